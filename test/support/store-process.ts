import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { instanceRow, writing } from "../store/rows.ts";

/**
 * A process that owns the database it is given: says so, commits one instance, says so, and stays until it is killed. What nothing
 * refers to any more by then is gone, where garbage can be collected on demand.
 */
async function begin(path: string) {
  const store = sqliteStore(path);
  process.stdout.write("owns\n");
  await store.commit([writing(instanceRow({ id: "a" }))]);
  return process.argv[3] === "stay" ? undefined : store;
}

const store = await begin(process.argv[2] ?? "");
for (let turns = 0; turns < 5; turns += 1) {
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc?.();
}
process.stdout.write("committed\n");
if (store === undefined) setInterval(() => undefined, 60_000);
else await store.close();
