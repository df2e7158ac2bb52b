import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Another text after each start of the machine. */
export function bootId(): string {
  if (process.platform === "linux") return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC0" };
  return execFileSync("ps", ["-o", "lstart=", "-p", "1"], { env, encoding: "latin1" }).trim(); // since when the first process runs
}
