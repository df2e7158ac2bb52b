import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";

/** A command that was sent under a key, and its answer once there is one. */
export interface Command {
  key: string;
  instance: string;
  type: string;
  status?: number;
  version?: number;
  outcome?: string;
}

interface Answer {
  status: number;
  body: {
    outcome?: string;
    version?: number;
    instance?: { state: string; context: { epoch: number } };
    from?: string;
    code?: string;
  };
}

/** Where the server is, for who waits while it is down. */
export interface Target {
  /** Resolves at once while it is up. */
  url(): Promise<string>;
  isUp(url: string): void;
  isDown(): void;
}

export function createTarget(): Target {
  let up = Promise.withResolvers<string>();
  let isUp = false;
  return {
    url: () => up.promise,
    isUp(url) {
      isUp = true;
      up.resolve(url);
    },
    isDown() {
      if (isUp) up = Promise.withResolvers<string>();
      isUp = false;
    },
  };
}

/**
 * Takes one node through one maintenance window after the other, each command under a key of its own, sent again under it
 * until there is an answer. Ends after a whole window, when it is told to.
 */
export async function runClient(given: {
  node: string;
  target: Target;
  commands: Command[];
  signal: AbortSignal;
}): Promise<number> {
  const { node, target, commands, signal } = given;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const instance = `node/${node}`;
  let windows = 0;

  async function send(type: string, payload: object = {}): Promise<Answer> {
    const command: Command = { key: randomUUID(), instance, type };
    commands.push(command);
    const answer = await insist(
      `/v1/instances/${encodeURIComponent(instance)}/events`,
      { type, ...payload },
      command.key,
    );
    Object.assign(command, {
      status: answer.status,
      version: answer.body.version,
      outcome: answer.body.outcome ?? "refused",
    });
    return answer;
  }

  async function insist(path: string, body: object, key: string): Promise<Answer> {
    for (;;) {
      const answer = await post(agent, new URL(path, await target.url()), body, key).catch(() => undefined);
      if (answer !== undefined && answer.status < 500) return answer;
      await turn();
    }
  }

  /** Sends until the node is where it should be: between two sends the engine moves it by timers. */
  async function until(state: string, type: string, payload: object): Promise<void> {
    for (;;) {
      const { body } = await send(type, payload);
      if ((body.instance?.state ?? body.from) === state) return;
      await turn();
    }
  }

  while (!signal.aborted) {
    windows += 1;
    await send("maintenance.observed", {
      epoch: windows,
      state: { name: "EnteringMaintenance", deadline: Date.now() + 5 },
    });
    await send("maintenance.exit"); // refused: the wrong command
    await until("DrainFailed", "node.cordon", {}); // by the drain's deadline, a timer
    await send("maintenance.exit", { force: true });
    await send("daemons.progressed", { waiting: [] });
    await send("maintenance.exit", { force: true });
  }
  agent.destroy();
  return windows;
}

export function post(agent: Agent, url: URL, body: object, key?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json", ...(key !== undefined && { "Idempotency-Key": key }) };
    const asked = request(url, { method: "POST", agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        try {
          resolve({
            status: response.statusCode ?? 0,
            body: JSON.parse(Buffer.concat(chunks).toString()) as Answer["body"],
          });
        } catch (error) {
          reject(error);
        }
      });
    });
    asked.on("error", reject);
    asked.end(JSON.stringify(body));
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
