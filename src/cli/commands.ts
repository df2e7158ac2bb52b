import type { Command } from "commander";
import { SignalboxError } from "../core/errors.ts";
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
import { table } from "./output.ts";
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
    .argument("[id]")
    .option("--machine <name>")
    .option("--state <name>")
    .option("--tag <tag>")
    .option("--label <name:value>")
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
    .argument("<id>")
    .argument("<type>")
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
            reasons?: { detail: string }[];
            via?: string[];
            instance: InstanceBody;
          }>(sendEvent, {
            params: { id },
            body,
            query: dryRun ? { dryRun: "true" } : {},
            ...(expectedVersion !== undefined && { expectedVersion }),
          });
          show(answer, () => {
            const path = [...(answer.via ?? []), answer.instance.state].join(" > ");
            const why = (answer.reasons ?? []).map(({ detail }) => `\n  ${detail}`).join("");
            return `${dryRun ? "would be " : ""}${answer.outcome}: ${answer.instance.id} is ${dryRun ? "then " : ""}in ${path}${why}`;
          });
        },
      ),
    );

  program
    .command("explain")
    .description("say what an instance waits for, or whether it would take an event")
    .argument("<id>")
    .argument("[type]")
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
    .argument("<id>")
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
    .argument("<key>")
    .action(
      action(async ({ api, show }, key: string) => {
        const item = await api.call<PendingBody>(retryPending, { params: { key } });
        show(item, () => `${item.key} is ${item.state}`);
      }),
    );
  pending
    .command("discard")
    .description("give a row up")
    .argument("<key>")
    .action(
      action(async ({ api, show }, key: string) => {
        const body = await api.call(discardPending, { params: { key } });
        show(body, () => `${key} is discarded`);
      }),
    );

  program
    .command("verify")
    .description("replay journals and compare with what is stored; exit 1 on a difference")
    .argument("[id]")
    .action(
      action(async ({ api, show }, id?: string) => {
        const body = await api.call<VerificationBody>(verify, { body: id === undefined ? {} : { id } });
        show(body, () =>
          [
            `${body.checked} checked, ${body.differences.length} differences, ${body.unverifiable.length} unverifiable`,
            ...[...body.differences, ...body.unverifiable].map(({ instance, detail }) => `  ${instance}: ${detail}`),
          ].join("\n"),
        );
        return body.differences.length === 0 ? 0 : 1;
      }),
    );

  program
    .command("diagram")
    .description("print the picture of a statechart as SVG")
    .argument("<machine>")
    .action(
      action(async ({ api }, machine: string) => {
        output.line(await api.call<string>(showDiagram, { params: { machine } }));
      }),
    );
}

interface ExplanationBody {
  instance: InstanceBody;
  waitingFor: WaitBody[];
  verdict?: {
    type: string;
    outcome: string;
    reasons?: { code: string; detail: string; hint?: string }[];
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

function describeExplanation({ instance, verdict }: ExplanationBody): string {
  if (verdict === undefined) return describeInstance(instance);
  const reasons = (verdict.reasons ?? []).flatMap(({ code, detail, hint }) => [
    `  ${code}: ${detail}`,
    ...(hint === undefined ? [] : [`  instead: ${hint}`]),
  ]);
  return [`${verdict.type} would be ${verdict.outcome} in ${instance.state}`, ...reasons].join("\n");
}

const pagesMax = 2_000; // a million rows: more than a terminal is for

async function allPages<Item>(
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
