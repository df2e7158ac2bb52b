import { sqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { instanceRow, writing } from "../store/rows.ts";

/** A process that owns the database it is given: says so, commits one instance, says so, and stays until it is killed. */
const store = sqliteStore(process.argv[2] ?? "");
process.stdout.write("owns\n");
await store.commit([writing(instanceRow({ id: "a" }))]);
process.stdout.write("committed\n");
if (process.argv[3] === "stay") setInterval(() => undefined, 60_000);
else await store.close();
