import { Console } from "node:console";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import { createApp, createEngine, sqliteStore } from "signalbox";
import { bankProvider } from "./bank.ts";
import { createDesk } from "./desk.ts";
import { createNotices } from "./notices.ts";
import { refund } from "./refund.ts";

const { PORT = "3000", DATABASE = "refunds.db", BANK_URL = "http://127.0.0.1:3001" } = process.env;
const say = (line: object) => console.log(JSON.stringify(line));

const log = new Console(process.stderr); // pino fits too

const store = sqliteStore(DATABASE);
const engine = createEngine({ machines: [refund], store, providers: [bankProvider(BANK_URL)], log });
const notices = createNotices(engine, say);
const stopping = new AbortController();

const app = express();
app.disable("x-powered-by");
app.use("/signalbox", createApp(engine, { stopping: stopping.signal, log })); // every instance, its journal, its picture: for those who operate it
app.use(createDesk(engine, notices));

await notices.followOpen(); // before anything moves
await engine.start(); // what was under way when the process ended goes on
const server = app.listen(Number(PORT), "127.0.0.1");
await once(server, "listening");
say({ listening: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

process.once("SIGTERM", () => void stop());
process.once("SIGINT", () => void stop());

/** No new requests, then no new work, then the file. A call that is cut off is made again at the next start. */
async function stop(): Promise<void> {
  stopping.abort();
  server.close();
  server.closeIdleConnections();
  notices.stop();
  await engine.stop();
  await store.close();
}
