import type { Command } from "commander";
import type { CommandContext } from "./program.ts";

/** Stopping the line: nothing new starts on any channel. */
export function addLineCommands(program: Command, { action }: CommandContext): void {
  program
    .command("freeze")
    .description("stop the line: dispatch nothing on any channel; what has begun goes on, undo and rollback pass")
    .option("--reason <text>", "why, for whoever looks at it")
    .action(
      action(async ({ client, show }, { reason }: { reason?: string }) => {
        const sent = await client.call("freeze-line", { body: { reason } });
        show(sent, () => [`${sent.outcome}: the line is ${sent.instance.state}; \`signalbox thaw\` lets it run again`]);
      }),
    );

  program
    .command("thaw")
    .description("let the line run again")
    .action(
      action(async ({ client, show }) => {
        const sent = await client.call("thaw-line");
        show(sent, () => [`${sent.outcome}: the line is ${sent.instance.state}`]);
      }),
    );
}
