import { createLog } from "../../src/telemetry/log.ts";

/** Logs much more than a reader that hangs lets through, and says on standard output when it is done with it. */
const log = createLog({ level: "info", fd: 2 });
const lines = Number(process.argv[2]);
for (let n = 0; n < lines; n += 1) log.info({ n, filling: "x".repeat(200) }, "line");
process.stdout.write("done\n");
