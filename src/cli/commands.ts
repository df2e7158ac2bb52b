import type { Command } from "commander";
import type { ExplanationView, PendingView, RequestOf } from "../client/index.ts";
import { SignalboxError } from "../core/errors.ts";
import { checkFilter } from "./check-filter.ts";
import { addCreateCommand } from "./create-command.ts";
import { describeInstance } from "./describe.ts";
import { fieldsIn, jsonOrFile } from "./json-option.ts";
import { jsonLine, reasonLines, table } from "./output.ts";
import type { CommandContext } from "./program.ts";

/** Commands about any machine and instance. */
export function addInstanceCommands(program: Command, context: CommandContext): void {
  const { action, output } = context;

  program
    .command("machines")
    .description("list the statecharts that the server runs")
    .action(
      action(async ({ client, show }) => {
        const body = await client.call("list-machines");
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
      action(async ({ client, show }, id?: string, filter?: Record<string, string>) => {
        if (id !== undefined) {
          const instance = await client.read(id);
          return show(instance, () => describeInstance(instance));
        }
        const { machine, state, tag, label } = filter ?? {};
        const items = await collected(client.list({ machine, state, tag, label }));
        if (items.length === 0) await checkFilter(client, { machine, state });
        show({ items }, () =>
          table(
            ["ID", "MACHINE", "STATE", "SINCE", "VERSION"],
            items.map((each) => [each.id, each.machine, each.state, each.since, String(each.version)]),
          ),
        );
      }),
    );

  addCreateCommand(program, context);

  program
    .command("send")
    .description("send one event to an instance")
    .argument("<id>", "the instance")
    .argument("<type>", "the event")
    .option("--data <json>", `the event's fields: ${jsonOrFile}`)
    .option("--expected-version <n>", "only if the instance is at this version", wholeNumber)
    .option("--dry-run", "tell what would happen, change nothing")
    .action(
      action(
        async (
          { client, show },
          id: string,
          type: string,
          given: { data?: string; expectedVersion?: number; dryRun?: true },
        ) => {
          const body = { ...fieldsIn("--data", given.data), type };
          const { expectedVersion, dryRun } = given;
          const answer = await client.call("send-event", {
            params: { id },
            body,
            query: dryRun ? { dryRun: "true" } : {},
            ...(expectedVersion !== undefined && { expectedVersion }),
          });
          show(answer, () => {
            const { outcome, instance } = answer;
            const { via = [], reasons = [] } = "via" in answer ? answer : {};
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
    .option("--data <json>", `the event's fields: ${jsonOrFile}`)
    .action(
      action(async ({ client, show }, id: string, type?: string, given: { data?: string } = {}) => {
        const answer = await client.explain(
          id,
          type === undefined ? undefined : { ...fieldsIn("--data", given.data), type },
        );
        show(answer, () => describeExplanation(answer));
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
      action(async ({ client, show }, id?: string, given: PendingOptions = {}) => {
        const items = await collected(client.pending({ instance: id, ...given }));
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
      action(async ({ client, show }, key: string) => {
        const item = await client.call("retry-pending", { params: { key } });
        show(item, () => [`${item.key} is ${item.state}${untried[item.state] ?? ""}`]);
      }),
    );
  pending
    .command("discard")
    .description("give a row up")
    .argument("<key>", "as `pending` lists it")
    .action(
      action(async ({ client, show }, key: string) => {
        const body = await client.call("discard-pending", { params: { key } });
        show(body, () => [`${key} is discarded`]);
      }),
    );

  program
    .command("verify")
    .description("replay journals and compare with what is stored; exit 1 on a difference")
    .argument("[id]", "only this one")
    .action(
      action(async ({ client, show }, id?: string) => {
        const body = await client.call("verify", { body: { id }, timeoutMs: verifyWithinMs });
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
      action(async ({ client, isJson }, machine: string) => {
        const svg = await client.call("show-diagram", { params: { machine } });
        output.line(isJson ? jsonLine({ machine, svg }) : svg.trimEnd());
      }),
    );
}

const verifyWithinMs = 3_600_000; // a large journal takes a while to replay

/** What a retry leaves as it is, by its state, and why. */
const untried: Readonly<Partial<Record<PendingView["state"], string>>> = {
  leased: ": it is being performed right now, and a retry changes nothing",
  waiting: ": it comes at its own time, and a retry changes nothing",
  manual: ": nobody here performs it",
};

type PendingOptions = Pick<NonNullable<RequestOf<"list-pending">["query"]>, "kind" | "state">;

function describeExplanation({ instance, pending, verdict }: ExplanationView): string[] {
  if (verdict !== undefined) {
    const { type, outcome, reasons = [], forbidden } = verdict;
    const verdicts = { changed: "accepted", unchanged: "accepted, and change nothing", refused: "refused" };
    return [
      `${type} would be ${verdicts[outcome]} in ${instance.state}`,
      ...reasons.flatMap(reasonLines),
      ...(forbidden === undefined ? [] : [`  forbidden: ${forbidden}`]),
    ];
  }
  return [...describeInstance(instance), ...pending.map(describePending)];
}

function describePending({ kind, id, state, dueAt, attempts, error }: PendingView): string {
  const when = dueAt === null ? "" : `, due ${dueAt}`;
  const failed = error === undefined ? "" : `, failed ${attempts} times: ${error}`;
  return `  ${kind.padEnd(7)} ${id}: ${state}${when}${failed}`;
}

const itemsMax = 1_000_000; // more than a terminal is for

/** All of a list, as one answer. */
export async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) if (all.push(item) === itemsMax) break;
  return all;
}

export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new SignalboxError("invalid-request", `Expected a whole number, not ${text}.`);
}
