import { post } from "../cli/processes.ts";
import { startAgent } from "./agent-process.ts";
import { startControlPlane, type ControlPlaneProcess } from "./control-plane-process.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

/** A host with its real agent, which may be killed and started again. */
interface ProcessHost {
  readonly name: string;
  readonly workplace: Workplace;
  /** SIGKILL, and another one at once. */
  kill(): Promise<void>;
}

/** A real control plane and real agents: `web-1` is the first wave, `web-2` and `web-3` the second, all others the third. */
interface ProcessFleet {
  readonly controlPlane: ControlPlaneProcess;
  readonly hosts: readonly ProcessHost[];
  declare(ref: string): Promise<void>;
}

export async function createProcessFleet(given: { hosts: number; yaml?: string }): Promise<ProcessFleet> {
  const controlPlane = await startControlPlane();
  const { url } = controlPlane.proxy;

  async function hostOf(name: string): Promise<ProcessHost> {
    const workplace = createWorkplace();
    const start = () => startAgent(workplace, { host: name, url, yaml: given.yaml ?? "" });
    let agent = await start();
    let turn = Promise.resolve();
    const restart = async () => {
      await agent.end("SIGKILL");
      agent = await start();
    };
    return { name, workplace, kill: () => (turn = turn.then(restart)) };
  }

  const hosts: ProcessHost[] = [];
  for (let number = 1; number <= given.hosts; number += 1) hosts.push(await hostOf(`web-${number}`));
  return {
    controlPlane,
    hosts,
    async declare(ref) {
      const document = {
        channels: { stable: { ref, policy: "three" } },
        hosts: Object.fromEntries(
          hosts.map(({ name }, index) => [
            name,
            { channel: "stable", tags: [index === 0 ? "first" : index < 3 ? "second" : "third"] },
          ]),
        ),
        policies: {
          three: {
            sustained: "5s",
            waves: [
              { name: "first", hosts: { tags: ["first"] }, soak: "200ms" },
              { name: "second", hosts: { tags: ["second"] }, soak: "200ms" },
              { name: "third", hosts: { all: true }, soak: "200ms" },
            ],
          },
        },
      };
      if ((await post(url, "/v1/fleet", { document })) >= 400) throw new Error("The fleet was not declared");
    },
  };
}
