import type { Command } from "commander";
import { SignalboxError } from "../core/errors.ts";
import type { Refusal } from "../core/law.ts";
import { listMachines, showDiagram } from "../operations/machines.ts";
import {
  explainEvent,
  explainInstance,
  listInstances,
  sendEvent,
  showInstance,
  showJournal,
  verify,
} from "../operations/instances.ts";
import { discardPending, listPending, retryPending } from "../operations/pending.ts";
import { describeInstance, type InstanceBody, type WaitBody } from "./describe.ts";
import { jsonLine, reasonLines, table } from "./output.ts";
import type { CommandContext } from "./program.ts";

/** Commands about any machine and instance. */
export function addInstanceCommands(program: Command, context: CommandContext): void {
  const { action, output } = context;

  program
    .command("machines")
    .description("list the statecharts that the server runs")
    .action(
      action(async ({ api, show }) => {
        const body = await api.call<{ items: { name: string; version: number; description: string | null }[] }>(
          listMachines,
        );
        show(body, () =>
          table(
            ["MACHINE", "VERSION", "DESCRIPTION"],
            body.items.map((each) => [each.name, String(each.version), each.description ?? ""]),
          ),
        );
      }),
    );

  program
    .command("instances")
    .description("list instances, or show one")
    .argument("[id]", "show this one")
    .option("--machine <name>", "only of this statechart")
    .option("--state <name>", "only in this state")
    .option("--tag <tag>", "only with this tag")
    .option("--label <name:value>", "only with this label")
    .action(
      action(async ({ api, show }, id?: string, filter?: Record<string, string>) => {
        if (id !== undefined) {
          const instance = await api.call<InstanceBody>(showInstance, { params: { id } });
          return show(instance, () => describeInstance(instance));
        }
        const { machine, state, tag, label } = filter ?? {};
        const items = await allPages<InstanceBody>((cursor) =>
          api.call(listInstances, { query: { machine, state, tag, label, cursor } }),
        );
        show({ items }, () =>
          table(
            ["ID", "MACHINE", "STATE", "SINCE", "VERSION"],
            items.map((each) => [each.id, each.machine, each.state, each.since, String(each.version)]),
          ),
        );
      }),
    );

  program
    .command("send")
    .description("send one event to an instance")
    .argument("<id>", "the instance")
    .argument("<type>", "the event")
    .option("--data <json>", "the event's fields")
    .option("--expected-version <n>", "only if the instance is at this version", wholeNumber)
    .option("--dry-run", "tell what would happen, change nothing")
    .action(
      action(
        async (
          { api, show },
          id: string,
          type: string,
          given: { data?: string; expectedVersion?: number; dryRun?: true },
        ) => {
          const body = { ...parseData(given.data), type };
          const { expectedVersion, dryRun } = given;
          const answer = await api.call<{
            outcome: string;
            reasons?: Refusal[];
            via?: string[];
            instance: InstanceBody;
          }>(sendEvent, {
            params: { id },
            body,
            query: dryRun ? { dryRun: "true" } : {},
            ...(expectedVersion !== undefined && { expectedVersion }),
          });
          show(answer, () => {
            const { outcome, via = [], reasons = [], instance } = answer;
            const path = [...via, instance.state].join(" > ");
            return [
              `${dryRun ? "would be " : ""}${outcome}: ${instance.id} is ${dryRun ? "then " : ""}in ${path}`,
              ...reasons.flatMap(reasonLines),
            ];
          });
        },
      ),
    );

  program
    .command("explain")
    .description("say what an instance waits for, or whether it would take an event")
    .argument("<id>", "the instance")
    .argument("[type]", "an event; it is judged, not sent")
    .option("--data <json>", "the event's fields")
    .action(
      action(async ({ api, show }, id: string, type?: string, given: { data?: string } = {}) => {
        const answer = await (type === undefined
          ? api.call<ExplanationBody>(explainInstance, { params: { id } })
          : api.call<ExplanationBody>(explainEvent, { params: { id }, body: { ...parseData(given.data), type } }));
        show(answer, () => describeExplanation(answer));
      }),
    );

  program
    .command("journal")
    .description("show what happened to an instance")
    .argument("<id>", "the instance")
    .option("--after <seq>", "only entries after this number", wholeNumber)
    .action(
      action(async ({ api, show }, id: string, given: { after?: number }) => {
        const entries: EntryBody[] = [];
        for (let after = given.after ?? 0; ; ) {
          const page = await api.call<{ entries: EntryBody[]; nextAfter: number }>(showJournal, {
            params: { id },
            query: { after: String(after), limit: "500" },
          });
          entries.push(...page.entries);
          if (page.entries.length < 500) break;
          after = page.nextAfter;
        }
        show({ entries }, () =>
          table(["SEQ", "AT", "VERSION", "EVENT", "OUTCOME", "PATH", "BY"], entries.map(entryRow)),
        );
      }),
    );

  const pending = program.command("pending").description("list what is to happen; retry or discard a row");
  pending
    .command("list", { isDefault: true })
    .description("list calls, timers and messages")
    .argument("[id]", "of one instance")
    .option("--kind <kind>", "call, timer or message")
    .option("--state <state>", "due, waiting, leased, retrying, dead or manual")
    .action(
      action(async ({ api, show }, id?: string, given: { kind?: string; state?: string } = {}) => {
        const items = await allPages<PendingBody>((cursor) =>
          api.call(listPending, { query: { instance: id, ...given, cursor } }),
        );
        show({ items }, () =>
          table(
            ["KEY", "KIND", "STATE", "DUE", "ATTEMPTS", "ERROR"],
            items.map((each) => [
              each.key,
              each.kind,
              each.state,
              each.dueAt ?? "-",
              String(each.attempts),
              each.error ?? "",
            ]),
          ),
        );
      }),
    );
  pending
    .command("retry")
    .description("try a row again now, as if it had never failed")
    .argument("<key>", "as `pending` lists it")
    .action(
      action(async ({ api, show }, key: string) => {
        const item = await api.call<PendingBody>(retryPending, { params: { key } });
        show(item, () => [`${item.key} is ${item.state}`]);
      }),
    );
  pending
    .command("discard")
    .description("give a row up")
    .argument("<key>", "as `pending` lists it")
    .action(
      action(async ({ api, show }, key: string) => {
        const body = await api.call(discardPending, { params: { key } });
        show(body, () => [`${key} is discarded`]);
      }),
    );

  program
    .command("verify")
    .description("replay journals and compare with what is stored; exit 1 on a difference")
    .argument("[id]", "only this one")
    .action(
      action(async ({ api, show }, id?: string) => {
        const body = await api.call<VerificationBody>(verify, { body: id === undefined ? {} : { id } });
        show(body, () => [
          `${body.checked} checked, ${body.differences.length} differences, ${body.unverifiable.length} unverifiable`,
          ...[...body.differences, ...body.unverifiable].map(({ instance, detail }) => `  ${instance}: ${detail}`),
        ]);
        return body.differences.length === 0 ? 0 : 1;
      }),
    );

  program
    .command("diagram")
    .description("print the picture of a statechart as SVG")
    .argument("<machine>", "its name")
    .action(
      action(async ({ api, isJson }, machine: string) => {
        const svg = await api.call<string>(showDiagram, { params: { machine } });
        output.line(isJson ? jsonLine({ machine, svg }) : svg.trimEnd());
      }),
    );
}

interface ExplanationBody {
  instance: InstanceBody;
  pending: PendingBody[];
  waitingFor: WaitBody[];
  verdict?: {
    type: string;
    outcome: "changed" | "unchanged" | "refused";
    reasons?: Refusal[];
    via: string[];
  };
}
interface EntryBody {
  seq: number;
  kind: string;
  at: string;
  version: number;
  event: { type: string } | null;
  from: string | null;
  to: string;
  via: string[];
  outcome: string;
  reasons?: { detail: string }[];
  principal: string;
}
interface PendingBody {
  key: string;
  id: string;
  kind: string;
  state: string;
  dueAt: string | null;
  attempts: number;
  error?: string;
}
interface VerificationBody {
  checked: number;
  differences: { instance: string; detail: string }[];
  unverifiable: { instance: string; detail: string }[];
}

function entryRow({ seq, at, version, event, kind, outcome, from, via, to, reasons, principal }: EntryBody): string[] {
  const path = from === null ? to : [from, ...via, ...(to === from && via.length === 0 ? [] : [to])].join(" > ");
  const why = reasons === undefined ? path : `${path} (${reasons.map(({ detail }) => detail).join(" ")})`;
  return [String(seq), at, String(version), event?.type ?? kind, outcome, why, principal];
}

function describeExplanation({ instance, pending, verdict }: ExplanationBody): string[] {
  if (verdict !== undefined) {
    const { type, outcome, reasons = [] } = verdict;
    const verdicts = { changed: "accepted", unchanged: "accepted, and change nothing", refused: "refused" };
    return [`${type} would be ${verdicts[outcome]} in ${instance.state}`, ...reasons.flatMap(reasonLines)];
  }
  return [...describeInstance(instance), ...pending.map(describePending)];
}

function describePending({ kind, id, state, dueAt, attempts, error }: PendingBody): string {
  const when = dueAt === null ? "" : `, due ${dueAt}`;
  const failed = error === undefined ? "" : `, failed ${attempts} times: ${error}`;
  return `  ${kind.padEnd(7)} ${id}: ${state}${when}${failed}`;
}

const pagesMax = 2_000; // a million rows: more than a terminal is for

export async function allPages<Item>(
  page: (cursor?: string) => Promise<{ items: Item[]; nextCursor: string | null }>,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  for (let count = 0; count < pagesMax; count += 1) {
    const { items: more, nextCursor } = await page(cursor);
    items.push(...more);
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  return items;
}

function parseData(data: string | undefined): Record<string, unknown> {
  if (data === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(data);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new SignalboxError("invalid-request", `--data is a JSON object with the event's fields, not ${data}.`);
}

export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new SignalboxError("invalid-request", `Expected a whole number, not ${text}.`);
}
