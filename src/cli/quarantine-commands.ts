import type { Command } from "commander";
import { table } from "./output.ts";
import type { CommandContext } from "./program.ts";

/** Commands about refs that have failed on a channel, and are not offered to its hosts any more. */
export function addQuarantineCommands(program: Command, { action }: CommandContext): void {
  const quarantine = program
    .command("quarantine")
    .description("refs that have failed on a channel, and are offered to none of its hosts");

  quarantine
    .command("list")
    .description("list what is quarantined, and why")
    .action(
      action(async ({ client, show }) => {
        const answer = await client.call("list-quarantines");
        const headings = ["CHANNEL", "REF", "SINCE", "ROLLOUT", "REASON"];
        show(answer, () =>
          table(
            headings,
            answer.items.map(({ channel, ref, since, rolloutId, reason }) => [
              channel,
              ref,
              since,
              rolloutId ?? "-",
              reason,
            ]),
          ),
        );
      }),
    );

  quarantine
    .command("clear")
    .description("let a ref be offered again")
    .argument("<channel>", "the channel")
    .argument("<ref>", "the ref")
    .requiredOption("--reason <text>", "why it is well now; stands in the journal")
    .action(
      action(async ({ client, show }, channel: string, ref: string, { reason }: { reason: string }) => {
        const sent = await client.call("clear-quarantine", { params: { channel, ref }, body: { reason } });
        show(sent, () => [`${sent.outcome}: ${ref} may be offered on ${channel} again`]);
      }),
    );
}
