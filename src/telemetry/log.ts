import pino from "pino";
import type { Log } from "../core/log.ts";
import { withoutSecrets } from "./without-secrets.ts";

const bufferBytesMax = 4_194_304; // what a reader that hangs may cost: some 15,000 lines, then lines are lost and counted

/**
 * Writes JSON lines to a file descriptor without making anybody wait; what is not written yet is written when the process
 * ends of itself or by `process.exit`.
 */
export function createLog({ level, fd }: { level: string; fd: number }): Log {
  const destination = pino.destination({ dest: fd, sync: false, maxLength: bufferBytesMax });
  const log = pino({ level, formatters: { log: withoutSecrets } }, destination);
  let dropped = 0;
  destination.on("drop", () => {
    dropped += 1;
  });
  destination.on("drain", () => {
    if (dropped === 0) return;
    log.warn({ dropped }, "lines of the log were lost: whoever reads it is too slow");
    dropped = 0;
  });
  return log;
}
