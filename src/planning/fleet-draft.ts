import type { z } from "zod";
import { pointerTo, readBy, type SchemaFault } from "../core/schema-faults.ts";
import {
  entrySchemas,
  freezeSchemaOf,
  retentionSchema,
  selector,
  wavesMax,
  type BudgetEntry,
  type ChannelEdgeEntry,
  type ChannelEntry,
  type FreezeEntry,
  type HostEdgeEntry,
  type HostEntry,
  type PolicyEntry,
} from "./fleet-schema.ts";
import type { Selector } from "./fleet.ts";

/** An entry of a section; without a value when it is not well formed, so that what refers to it is still understood. */
export interface Entry<Value> {
  readonly path: readonly (string | number)[];
  /** Its name, or its place in the list. */
  readonly key: string;
  readonly value: Value | undefined;
}

/** A wave as far as it can be understood, also one that is not well formed: other waves must not hide what it refers to. */
export interface WaveDraft {
  readonly path: Entry<unknown>["path"];
  /** Of the waves of its policy, from 0. */
  readonly index: number;
  readonly name: string | undefined;
  readonly hosts: Selector | undefined;
}

/** A declaration as it was read, entry by entry. */
export interface Draft {
  readonly channels: readonly Entry<ChannelEntry>[];
  readonly hosts: readonly Entry<HostEntry>[];
  readonly policies: readonly Entry<PolicyEntry>[];
  /** Policy by policy. */
  readonly waves: readonly (readonly WaveDraft[])[];
  readonly budgets: readonly Entry<BudgetEntry>[];
  readonly hostEdges: readonly Entry<HostEdgeEntry>[];
  readonly channelEdges: readonly Entry<ChannelEdgeEntry>[];
  readonly freezes: readonly Entry<FreezeEntry>[];
  readonly retentionMs: number;
}

const defaultRetention = "90d";
const depthMax = 40; // no declaration is half as deep, and what reads it calls itself for each level
const entriesMax = 200_000; // of one section

/** Reads what is well formed and says of the rest what is not; no draft of what is no declaration at all. */
export function readDraft(document: unknown): { draft: Draft | undefined; faults: SchemaFault[] } {
  const faults: SchemaFault[] = [];
  if (depthOf(document) > depthMax) {
    faults.push({ pointer: "", detail: `it is nested deeper than ${depthMax} levels: take levels out` });
    return { draft: undefined, faults };
  }
  if (!isRecord(document)) {
    faults.push({ pointer: "", detail: "expected a declaration with channels, hosts and policies" });
    return { draft: undefined, faults };
  }
  const { channels, hosts, policies, budgets, hostEdges, channelEdges, freezes, retention, ...unknown } = document;
  for (const field of Object.keys(unknown)) faults.push({ pointer: pointerTo([field]), detail: "unknown field" });
  const read = <Value>(section: string, raw: unknown, schema: SchemaOf<Value>, kind: "named" | "listed") =>
    readSection({ section, raw, schema, kind, faults });
  const draft: Draft = {
    channels: read("channels", channels, () => entrySchemas.channel, "named"),
    hosts: read("hosts", hosts, () => entrySchemas.host, "named"),
    policies: read("policies", policies, () => entrySchemas.policy, "named"),
    waves: waveDrafts(policies),
    budgets: read("budgets", budgets, () => entrySchemas.budget, "listed"),
    hostEdges: read("hostEdges", hostEdges, () => entrySchemas.hostEdge, "listed"),
    channelEdges: read("channelEdges", channelEdges, () => entrySchemas.channelEdge, "listed"),
    freezes: read<FreezeEntry>("freezes", freezes, freezeSchemaOf, "listed"),
    retentionMs: readRetention(retention, faults),
  };
  return { draft, faults };
}

type SchemaOf<Value> = (raw: unknown) => z.ZodType<Value>;

function readSection<Value>(given: {
  section: string;
  raw: unknown;
  schema: SchemaOf<Value>;
  kind: "named" | "listed";
  faults: SchemaFault[];
}): Entry<Value>[] {
  const { section, raw, schema, kind, faults } = given;
  if (raw === undefined || raw === null) return [];
  const isRightKind = kind === "named" ? isRecord(raw) : Array.isArray(raw);
  if (!isRightKind) {
    const expected = kind === "named" ? "names, each with what it stands for" : "a list";
    faults.push({ pointer: pointerTo([section]), detail: `expected ${expected}` });
    return [];
  }
  const entries = Object.entries(raw);
  if (entries.length > entriesMax) {
    faults.push({
      pointer: pointerTo([section]),
      detail: `it has ${entries.length} entries: at most ${entriesMax} are read`,
    });
    return [];
  }
  return entries.map(([key, each]) => {
    const path = [section, kind === "listed" ? Number(key) : key];
    const parsed = readBy(schema(each), each, path);
    for (const fault of parsed.faults) faults.push(fault);
    return { path, key, value: parsed.data };
  });
}

/** Says nothing of what is not well formed: that is told with the policy. */
function waveDrafts(policies: unknown): WaveDraft[][] {
  return Object.entries(isRecord(policies) ? policies : {}).map(([policy, raw]) => {
    const waves: unknown[] = isRecord(raw) && Array.isArray(raw["waves"]) ? raw["waves"] : [];
    return waves.slice(0, wavesMax).map((wave, index) => {
      const { name, hosts } = isRecord(wave) ? wave : {};
      return {
        path: ["policies", policy, "waves", index],
        index,
        name: typeof name === "string" ? name : undefined,
        hosts: selector.safeParse(hosts).data,
      };
    });
  });
}

function readRetention(raw: unknown, faults: SchemaFault[]): number {
  const parsed = readBy(retentionSchema, raw ?? defaultRetention, ["retention"]);
  faults.push(...parsed.faults);
  return parsed.data ?? 0;
}

/** Level by level, since what is too deep cannot be walked by calling oneself; stops beyond the limit. */
function depthOf(document: unknown): number {
  let level = [document];
  let depth = 0;
  while (level.length > 0 && depth <= depthMax) {
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
    depth += 1;
  }
  return depth;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
