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
    async agent(options) {
      const { url: defaultUrl, token, logLevel, isRunByNpx } = config;
      const { runAgent } = await import("./agent/run-agent.ts");
      return runAgent({ ...options, defaultUrl, logLevel, isRunByNpx, ...(token !== undefined && { token }) });
    },
    async demo(act) {
      if (act.name === "rollouts") {
        const { playRollouts } = await import("./cli/demo/rollouts/act.ts");
        return playRollouts({ output, hosts: act.hosts });
      }
      const { endAllProcesses } = await import("./providers/processes/end-all.ts");
      if (act.name === "sweep") {
        const { sweep } = await import("./cli/demo/sweeper.ts");
        return sweep({ dataDir: act.dataDir, endAllProcesses });
      }
      const { playMaintenance } = await import("./cli/demo/maintenance/act.ts");
      return playMaintenance({ output, endAllProcesses });
    },
    readFleet: async (text) => (await import("./planning/read-fleet.ts")).readFleet(text),
    backUp: async (options) => (await import("./store/sqlite/backup.ts")).backUp(options),
    restore: async (options) => (await import("./store/sqlite/backup.ts")).restore(options),
    checkExport: async (options) => (await import("./store/check-export.ts")).checkExportFile(options),
    simulate: async (...asked) => (await import("./simulation/simulate-file.ts")).simulateFile(...asked),
  };
  const { url: defaultUrl, token } = config;
  return runProgram({ argv, defaultUrl, ...(token !== undefined && { token }), version, output, composed });
}
