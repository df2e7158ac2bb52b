import type { Command } from "commander";
import type { AnswerTo, Client, InstanceView } from "../client/index.ts";
import type { CommandContext, Invocation } from "./program.ts";
import { rolloutArgument, rolloutNamed, waveNamed, waveOption } from "./rollout-named.ts";
import { waitForRollout } from "./rollout-watch.ts";

const forWhoeverLooks = "why, for whoever looks at it";
const untilItsEnd = "show it until it has ended; exit 5 when not in Terminal";

/** Commands that send a rollout an event. */
export function addRolloutEvents(rollout: Command, { action }: CommandContext): void {
  /** A command of one event; `bodyOf` makes its fields of the options. */
  function sends(verb: string, given: { operation: EventOperation; description: string; bodyOf?: BodyOf }): Command {
    return rollout
      .command(verb)
      .description(given.description)
      .argument("<rollout>", rolloutArgument)
      .action(
        action(async ({ client, show }, named: string, options: EventOptions) => {
          const id = await rolloutNamed(client, named);
          const body = (await given.bodyOf?.(options, { client, id })) ?? {};
          const sent = await client.call(given.operation, { params: { rollout: id }, body });
          show(sent, () => [`${sent.outcome}: ${id} is in ${placeOf(sent.instance)}`]);
        }),
      );
  }

  sends("pause", {
    operation: "pause-rollout",
    description: "dispatch nothing more until it is resumed; what has begun goes on",
    bodyOf: ({ reason }) => ({ reason }),
  }).option("--reason <text>", forWhoeverLooks);
  sends("resume", {
    operation: "resume-rollout",
    description: "go on; excused hosts of its wave are accepted with it",
  });
  sends("promote", {
    operation: "promote-rollout",
    description: "waive the rest of the soak of the current wave",
    bodyOf: ({ full }) => ({ full }),
  }).option("--full", "open all waves at once");
  sends("approve", {
    operation: "approve-rollout",
    description: "let the wave begin that asks for approval",
    bodyOf: async ({ wave }, { client, id }) => ({
      wave: wave === undefined ? wave : await waveNamed(client, id, wave),
    }),
  }).option("--wave <wave>", `this wave: ${waveOption}`);
  sends("cancel", {
    operation: "cancel-rollout",
    description: "stop where it is: what has begun is finished, converged hosts stay",
    bodyOf: ({ reason }) => ({ reason }),
  }).option("--reason <text>", forWhoeverLooks);
  sends("clear", {
    operation: "clear-rollout",
    description: "vouch for what a failed rollout left behind, so that channels that wait for it go on",
    bodyOf: ({ reason }) => ({ reason }),
  }).requiredOption("--reason <text>", forWhoeverLooks);
}

/** Commands that open a rollout, or take a host out of one. */
export function addRolloutOpenings(rollout: Command, { action, output }: CommandContext): void {
  /** Says what was opened, and waits for its end when asked to. */
  async function tell({ client, show, isJson }: Invocation, answer: Opened, wait: true | undefined): Promise<number> {
    if (wait === undefined || !isJson) show(answer, () => [openedText(answer)]);
    return wait === undefined ? 0 : waitForRollout({ client, output, rolloutId: answer.rolloutId, isJson });
  }

  rollout
    .command("open")
    .description("open a rollout; it supersedes the one before")
    .argument("<channel>", "the channel")
    .argument("[ref]", "the ref that its hosts are to run; else the declared one")
    .option("--wait", untilItsEnd)
    .action(
      action(async (invocation, channel: string, ref: string | undefined, { wait }: { wait?: true }) =>
        tell(invocation, await invocation.client.call("open-rollout", { body: { channel, ref } }), wait),
      ),
    );

  rollout
    .command("abort")
    .description("stop and go back: cancel it, and bring back the last ref that became Terminal")
    .argument("<rollout>", rolloutArgument)
    .option("--reason <text>", forWhoeverLooks)
    .option("--wait", untilItsEnd)
    .action(
      action(async (invocation, named: string, { reason, wait }: { reason?: string; wait?: true }) => {
        const id = await rolloutNamed(invocation.client, named);
        const body = { reason };
        return tell(invocation, await invocation.client.call("abort-rollout", { params: { rollout: id }, body }), wait);
      }),
    );

  rollout
    .command("retry")
    .description("a new run of the same ref over the hosts that have not converged; lifts its quarantine")
    .argument("<rollout>", rolloutArgument)
    .requiredOption("--reason <text>", forWhoeverLooks)
    .option("--wait", untilItsEnd)
    .action(
      action(async (invocation, named: string, { reason, wait }: { reason: string; wait?: true }) => {
        const id = await rolloutNamed(invocation.client, named);
        const body = { reason };
        return tell(invocation, await invocation.client.call("retry-rollout", { params: { rollout: id }, body }), wait);
      }),
    );

  rollout
    .command("undo")
    .description("bring back the last ref that became Terminal; freeze, approval and soak do not hold it")
    .argument("<channel>", "the channel")
    .option("--reason <text>", forWhoeverLooks)
    .option("--wait", untilItsEnd)
    .action(
      action(async (invocation, channel: string, { reason, wait }: { reason?: string; wait?: true }) => {
        const body = { reason };
        return tell(invocation, await invocation.client.call("undo-channel", { params: { channel }, body }), wait);
      }),
    );

  rollout
    .command("excuse")
    .description("go on without a host: it counts neither way, and catches up when it is seen again")
    .argument("<rollout>", rolloutArgument)
    .argument("<host>", "the host")
    .requiredOption("--reason <text>", forWhoeverLooks)
    .action(
      action(async ({ client, show }, named: string, host: string, { reason }: { reason: string }) => {
        const id = await rolloutNamed(client, named);
        const answer = await client.call("excuse-host", { params: { rollout: id, host }, body: { reason } });
        show(answer, () => [`excused: ${host} in ${id}`]);
      }),
    );
}

type EventOperation =
  | "pause-rollout"
  | "resume-rollout"
  | "promote-rollout"
  | "approve-rollout"
  | "cancel-rollout"
  | "clear-rollout";

interface EventOptions {
  reason?: string;
  full?: true;
  wave?: string;
}

type BodyOf = (options: EventOptions, rollout: { client: Client; id: string }) => object | Promise<object>;

type Opened = AnswerTo<"open-rollout">;

/** "opened: stable@v3 over 40 hosts in 3 waves; stable@v2 is superseded" */
export function openedText({ rolloutId, hosts, waves, superseded }: Opened): string {
  const before = superseded === null ? "" : `; ${superseded} is superseded`;
  return `opened: ${rolloutId} over ${counted(hosts, "host")} in ${counted(waves.length, "wave")}${before}`;
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** "Active, Paused": the control is told where it says more. */
function placeOf({ state, value }: InstanceView): string {
  const { control = "Running" } = value as { control?: string };
  return control === "Running" || control === "Over" ? state : `${state}, ${control}`;
}
