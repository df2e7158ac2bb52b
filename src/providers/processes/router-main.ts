import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { slotMark } from "./remnants.ts";
import { createRouter } from "./router.ts";
import { createRouterControl } from "./router-control.ts";

// A process of its own, so that traffic does not stop with Signalbox. Its only argument is the directory of the slots; into
// its own it writes where it is controlled, once it listens.

const closeMs = 5_000; // for open requests, when it is told to end

const dir = join(process.argv[2] ?? "", process.env[slotMark] ?? "");
const { name, port, token } = JSON.parse(readFileSync(join(dir, "record.json"), "utf8"));
const { server, pool } = createRouter(name);
const control = createRouterControl(pool, token);

server.listen({ host: "127.0.0.1", port }, () => {
  control.listen({ host: "127.0.0.1", port: 0 }, () => {
    writeFileSync(join(dir, "control.draft"), JSON.stringify({ port: (control.address() as AddressInfo).port }));
    renameSync(join(dir, "control.draft"), join(dir, "control.json"));
  });
});

process.once("SIGTERM", () => {
  control.close();
  server.close(() => process.exit(0));
  setTimeout(() => process.exit(0), closeMs);
});
