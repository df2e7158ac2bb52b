import { connect } from "node:net";
import type { Clock } from "../core/clock.ts";
import { httpAnswer } from "./http-answer.ts";

/** The witness that every agent has. The others are the confirm targets. */
export const controlPlaneWitness = "control-plane";

/** Whoever has been heard over the network, and when: it shows whether this host is cut off. */
export interface Witnesses {
  heard(witness: string): void;
  /** Who was heard at or after that time. */
  since(at: number): string[];
  /** Asks every confirm target once; who answers is heard. */
  ask(signal: AbortSignal): Promise<void>;
}

const askWithinMs = 3_000;

/**
 * `targets`: URLs. Of `http:` and `https:` any answer counts, whatever its status; of `tcp:` that the connection is accepted. One
 * that is the control plane itself is no second opinion: what it answers, the control plane has answered.
 */
export function createWitnesses(given: {
  targets: readonly string[];
  /** Where the control plane is. */
  url: string;
  clock: Clock;
}): Witnesses {
  const { targets, url, clock } = given;
  const lastHeard = new Map<string, number>();
  const heard = (witness: string) => void lastHeard.set(witness, clock.now());

  async function askOne(target: string, signal: AbortSignal): Promise<void> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(askWithinMs)]);
    try {
      await (target.startsWith("tcp:")
        ? accepted(new URL(target), within)
        : httpAnswer({ url: target, signal: within }));
      heard(placeOf(target) === placeOf(url) ? controlPlaneWitness : target);
    } catch {
      // it did not answer: nothing is heard
    }
  }

  return {
    heard,
    since: (at) => [...lastHeard].flatMap(([witness, when]) => (when >= at ? [witness] : [])),
    async ask(signal) {
      await Promise.all(targets.map((target) => askOne(target, signal)));
    },
  };
}

/** Host and port, also where the port is the usual one. */
function placeOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === "https:" ? "443" : "80";
  return `${hostname}:${port === "" ? usual : port}`;
}

/** Resolves when a connection is accepted. */
export function accepted({ hostname, port }: Pick<URL, "hostname" | "port">, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), signal });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}
