import { readdirSync, readFileSync } from "node:fs";

/** The processes of one test world, by the marks in their environment. Zombies have none. */
export function markedProcesses(run: string): { pid: number; name: string }[] {
  return readdirSync("/proc")
    .filter((entry) => Number(entry) > 0)
    .flatMap((pid) => {
      const environment = environmentOf(pid);
      if (!environment.includes(`TEST_RUN=${run}`)) return [];
      const name = environment.find((line) => line.startsWith("REPLICA="))?.slice("REPLICA=".length) ?? "";
      return [{ pid: Number(pid), name }];
    });
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return [];
  }
}
