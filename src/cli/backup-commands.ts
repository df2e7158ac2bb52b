import type { Command } from "commander";
import { describeChecked, withProgress, type Checked } from "./audit-commands.ts";
import { jsonLine, plain } from "./output.ts";
import type { CommandContext, Composed } from "./program.ts";

/** Commands that work on the files of a server, not with it. */
export function addBackupCommands(
  program: Command,
  { action, output }: CommandContext,
  { backUp, restore }: Pick<Composed, "backUp" | "restore">,
): void {
  /** Copies, and says what the journal of the copy is like. */
  async function copied(
    isJson: boolean,
    sentence: string,
    copy: (onProgress: (share: number) => void) => Promise<Checked>,
  ): Promise<number> {
    const { checked, head, faults } = await withProgress(output, isJson, (onProgress) =>
      copy((share) => onProgress(share < 1 ? `copied ${Math.floor(share * 100)} %` : "copied; it is checked")),
    );
    if (isJson) output.line(jsonLine({ checked, head, faults }));
    else for (const line of [sentence, ...describeChecked({ checked, head, faults })]) output.line(plain(line));
    return faults.length === 0 ? 0 : 1;
  }

  program
    .command("backup")
    .description("copy the database of a data directory into one file, also while a server runs on it")
    .requiredOption("--data <dir>", "where the database lies")
    .requiredOption("--to <file>", "the backup; nothing is overwritten")
    .action(
      action(({ isJson }, { data, to }: { data: string; to: string }) =>
        copied(isJson, `${to} is a backup of ${data}.`, (onProgress) => backUp({ data, to, onProgress })),
      ),
    );

  program
    .command("restore")
    .description("put a backup into a data directory that has no database yet")
    .requiredOption("--from <file>", "the backup")
    .requiredOption("--data <dir>", "where the database is to lie; made when it is not there")
    .action(
      action(({ isJson }, { from, data }: { from: string; data: string }) =>
        copied(isJson, `${from} is in ${data}: \`signalbox serve --data ${data}\` goes on with it.`, (onProgress) =>
          restore({ from, data, onProgress }),
        ),
      ),
    );
}
