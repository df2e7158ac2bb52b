import { z } from "zod";
import { SignalboxError } from "./core/errors.ts";
import { readBy } from "./core/schema-faults.ts";

const environmentSchema = z.object({
  SIGNALBOX_URL: z
    .url({ protocol: /^https?$/, error: "expected a URL such as http://127.0.0.1:4100" })
    .default("http://127.0.0.1:4100"),
  SIGNALBOX_TOKEN: z
    .string()
    .regex(/^[\w.~+/=-]{1,200}$/, "expected a token")
    .optional(),
  SIGNALBOX_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
  npm_command: z.string().optional(),
  npm_lifecycle_script: z.string().optional(),
});

const ourName = /^["']?signalbox["']?(?:\s|$)/; // npm quotes it, depending on the version and the shell

export interface Config {
  /** The server that commands talk to. */
  url: string;
  /** Who commands say they come from; not an option, which everybody on the machine could read. */
  token?: string;
  logLevel: z.output<typeof environmentSchema>["SIGNALBOX_LOG_LEVEL"];
  /** Whether npx was asked for us; not for another program that has started us, which may end before us. */
  isRunByNpx: boolean;
}

/** Reads the environment, once. Throws `invalid-request` with every fault. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.entries(environment).filter(([, value]) => value !== ""); // VAR= is how one takes a variable back
  const { fits, data, faults } = readBy(environmentSchema, Object.fromEntries(given));
  if (fits) {
    const { SIGNALBOX_URL: url, SIGNALBOX_TOKEN: token, SIGNALBOX_LOG_LEVEL: logLevel } = data;
    const isRunByNpx = data.npm_command === "exec" && ourName.test(data.npm_lifecycle_script ?? "");
    return { url, logLevel, isRunByNpx, ...(token !== undefined && { token }) };
  }
  const said = faults.map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`).join("; ");
  throw new SignalboxError("invalid-request", `The environment does not fit: ${said}.`);
}
