import { standardOutput } from "./cli/output.ts";
import { runProgram, type Composed } from "./cli/program.ts";
import { readConfig, type Config } from "./config.ts";
import { messageOf } from "./core/errors.ts";
import { packageVersion } from "./package-file.ts";

/** Runs the command line; answers with the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const output = standardOutput();
  let config: Config;
  try {
    config = readConfig(process.env);
  } catch (error) {
    output.error(`signalbox: ${messageOf(error)}`);
    return 2;
  }
  const version = packageVersion();
  const composed: Composed = {
    serve: async (options) => (await import("./serve.ts")).serve(options, config),
    async demo() {
      const { runDemo } = await import("./cli/demo/demo.ts");
      const { endAllProcesses } = await import("./providers/processes/end-all.ts");
      return runDemo({ output, endAllProcesses });
    },
    backUp: async (options) => (await import("./store/sqlite/backup.ts")).backUp(options),
    restore: async (options) => (await import("./store/sqlite/backup.ts")).restore(options),
    checkExport: async (options) => (await import("./store/check-export.ts")).checkExportFile(options),
  };
  const { url: defaultUrl, token } = config;
  return runProgram({ argv, defaultUrl, ...(token !== undefined && { token }), version, output, composed });
}
