import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Backend } from "./backends.ts";
import { exchange } from "./http-exchange.ts";
import type { Incarnation, Inventory } from "./inventory.ts";
import { logPath } from "./launch.ts";
import type { Group } from "./nodes-file.ts";
import type { RouterStatus } from "./router-control.ts";
import { slotDir } from "./slot.ts";
import { waitUntil } from "./wait-until.ts";

/** The router processes, one per group. */
export interface Routers {
  /** Makes sure that the group's router runs and answers, on the port of the file. Throws a sentence why not. */
  ensure(group: Group, signal: AbortSignal): Promise<void>;
  /** Replaces the group's rotation. Once resolved, no new request goes to a backend that is not in the list. */
  put(group: string, backends: readonly Backend[]): Promise<void>;
  status(group: string): Promise<RouterStatus>;
}

const startMs = 15_000; // a Node process on a machine that is out of breath
const answerMs = 2_000;
const unansweredMax = 3; // then it is replaced: its requests are lost, but it lost them already

export function createRouters(options: { stateDir: string; inventory: Inventory; clock: Clock }): Routers {
  const { stateDir, inventory, clock } = options;
  const unanswered = new WeakMap<Incarnation, number>();

  async function ensure(group: Group, signal: AbortSignal) {
    const [router, ...others] = inventory.named("router", group.name).filter(inventory.isAlive);
    await Promise.all(others.map((other) => inventory.end(other, answerMs)));
    if (router !== undefined && (await isFit(router, group))) return;
    if (router !== undefined) await inventory.end(router, answerMs);
    await startRouter(group, signal);
  }

  async function isFit(router: Incarnation, group: Group) {
    if (router.record.port !== group.port) return false;
    const failure = await ask(router, "GET", "/status").then(() => undefined, messageOf);
    const failures = failure === undefined ? 0 : (unanswered.get(router) ?? 0) + 1;
    unanswered.set(router, failures);
    if (failures > 0 && failures < unansweredMax)
      throw new Error(`The router of ${group.name} does not answer: ${failure}`);
    return failures === 0;
  }

  async function startRouter({ name, port }: Group, signal: AbortSignal) {
    const token = randomBytes(16).toString("hex");
    const router = await inventory.start({
      kind: "router",
      name,
      port,
      token,
      command: routerCommand(stateDir),
      env: {},
    });
    const answers = () =>
      ask(router, "GET", "/status").then(
        () => true,
        () => false,
      );
    const isOver = async () => !inventory.isAlive(router) || (await answers());
    await waitUntil(isOver, { clock, everyMs: 20, forMs: startMs, signal });
    if (inventory.isAlive(router) && (await answers())) return;
    await inventory.end(router, answerMs);
    const why = `perhaps port ${port} is taken; see ${logPath(stateDir, router.record)}`;
    throw new Error(`The router of ${name} did not start: ${why}`);
  }

  async function ask(router: Incarnation, method: string, path: string, body?: string): Promise<RouterStatus> {
    const { incarnation, token } = router.record;
    const control = JSON.parse(await readFile(join(slotDir(stateDir, incarnation), "control.json"), "utf8"));
    const headers = { authorization: `Bearer ${token}` };
    const options = { port: control.port, path, method, headers, timeoutMs: answerMs };
    const answer = await exchange(body === undefined ? options : { ...options, body });
    if (answer.status !== 200) throw new Error(`It answered ${answer.status}`);
    return JSON.parse(answer.body) as RouterStatus; // it speaks to nobody else, and the token says that it is ours
  }

  function routerOf(group: string): Incarnation {
    const [router] = inventory.named("router", group);
    if (router === undefined) throw new Error(`The router of ${group} does not run`);
    return router;
  }

  return {
    ensure,
    async put(group, backends) {
      await ask(routerOf(group), "PUT", "/backends", JSON.stringify(backends));
    },
    status: async (group) => ask(routerOf(group), "GET", "/status"),
  };
}

/** The router's file has the extension of this one: `.ts` in a checkout, `.js` in the package. */
function routerCommand(stateDir: string): string[] {
  const file = new URL(`router-main${extname(import.meta.url)}`, import.meta.url);
  return [process.execPath, fileURLToPath(file), join(stateDir, "slots")];
}
