import { readFileSync } from "node:fs";
import { standardOutput } from "./cli/output.ts";
import { runProgram, type Composed } from "./cli/program.ts";
import { readConfig, type Config } from "./config.ts";
import { messageOf } from "./core/errors.ts";

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
  const { version } = JSON.parse(readFileSync(packageFile(), "utf8")) as { version: string };
  const composed: Composed = {
    serve: async (options) => (await import("./serve.ts")).serve(options, config),
    async demo() {
      const { runDemo } = await import("./cli/demo/demo.ts");
      const { endAllProcesses } = await import("./providers/processes/end-all.ts");
      return runDemo({ output, endAllProcesses });
    },
  };
  return runProgram({ argv, defaultUrl: config.url, version, output, composed });
}

/** Beside `src/` in a checkout, beside `dist/` in the package. */
function packageFile(): URL {
  const isBuilt = import.meta.url.endsWith(".js");
  return new URL(isBuilt ? "../../package.json" : "../package.json", import.meta.url);
}
