import type { Observer } from "../engine/observer.ts";
import type { RolloutRecord } from "../fleet/control-plane.ts";
import type { FrozenPlan } from "../planning/frozen-plan.ts";
import type { NewJournalRow } from "../store/store.ts";
import { createWaitRecorder, type WaitRecorder } from "./wait-recorder.ts";

/** Keeps what a report needs of what the engine commits: as much for each host event, however many there are. */
export interface Recorder extends Observer {
  /** From now on this rollout is recorded. To be called before it has dispatched anything. `terminalAt`: one without hosts is over as it opens. */
  follow(rollout: Opened, plan: FrozenPlan, from: string): void;
  rollouts(): readonly RecordedRollout[];
  /** Rollouts that have moved of their own accord, not by the counting of their hosts, since it was asked last. */
  takeMoved(): string[];
  /** Journal entries of hosts. */
  hostEvents(): number;
  /** When something was written last; epoch ms. */
  lastAt(): number;
}

type Opened = Pick<RolloutRecord, "rolloutId" | "channel" | "terminalAt">;

export interface RecordedRollout {
  readonly rolloutId: string;
  readonly channel: string;
  readonly plan: FrozenPlan;
  readonly from: string;
  readonly openedAt: number;
  /** When it became Terminal, Failed or Reverted first. */
  endedAt: number | null;
  /** When it became Failed or Reverted first, and how many hosts of the wave had failed. */
  halted: { at: number; failures: number } | null;
  currentWave: number;
  readonly waves: readonly RecordedWave[];
  readonly touched: Set<string>;
  readonly failed: Set<string>;
  readonly reverted: Set<string>;
  readonly waits: WaitRecorder;
}

type Recorded = RecordedRollout & { readonly waveOf: ReadonlyMap<string, number> };

export interface RecordedWave {
  startedAt: number | null;
  activatedAt: number | null;
  endedAt: number | null;
  /** When a host of it had gone back last. */
  revertedAt: number | null;
}

export function createRecorder(now: () => number): Recorder {
  const recorded = new Map<string, Recorded>();
  const moved = new Set<string>();
  let hostEvents = 0;
  let lastAt = now();

  function ofHost({ instance, event, from, to, at, kind }: NewJournalRow): void {
    const slash = instance.lastIndexOf("/");
    const rollout = recorded.get(instance.slice(0, slash));
    if (rollout === undefined) return;
    hostEvents += 1;
    const host = instance.slice(slash + 1);
    const wave = rollout.waves[rollout.waveOf.get(host) ?? -1];
    if (wave !== undefined && kind === "created") wave.startedAt ??= at;
    if (from === to) return;
    if (wave !== undefined && from === "Activating") wave.activatedAt = at;
    if (to === "Activating") rollout.touched.add(host);
    if (to === "Failed" && event?.startsWith('{"type":"rollback.requested"') !== true) rollout.failed.add(host);
    if (to !== "Reverted") return;
    rollout.reverted.add(host);
    if (wave !== undefined) wave.revertedAt = at;
  }

  function ofRollout({ instance, event, from, to, at }: NewJournalRow): void {
    const rollout = recorded.get(instance);
    if (rollout === undefined) return;
    if (event?.startsWith('{"type":"wave.advanced"') === true)
      rollout.currentWave = (JSON.parse(event) as { toWave: number }).toWave;
    if (event?.startsWith('{"type":"plan.decided"') === true)
      rollout.waits.decided(at, (JSON.parse(event) as Decided).gates);
    if (from !== to || event?.startsWith('{"type":"host.') !== true) moved.add(instance);
    if (from === to) return;
    if (settled.has(to)) {
      const wave = rollout.waves[rollout.currentWave];
      if (wave !== undefined) wave.endedAt ??= at;
    }
    if (to === "Converging" || to === "Opening" || to === "Active") return;
    rollout.endedAt ??= at;
    if (to === "Failed" || to === "Reverted") rollout.halted ??= { at, failures: failuresIn(rollout, event) };
  }

  return {
    follow({ rolloutId, channel, terminalAt }, plan, from) {
      const waveOf = new Map(plan.waves.flatMap(({ hosts }, wave) => hosts.map((host) => [host, wave] as const)));
      recorded.set(rolloutId, {
        rolloutId,
        channel,
        plan,
        from,
        waveOf,
        openedAt: now(),
        endedAt: terminalAt,
        halted: null,
        currentWave: Math.max(
          0,
          plan.waves.findIndex(({ hosts }) => hosts.length > 0),
        ),
        waves: plan.waves.map(() => ({ startedAt: null, activatedAt: null, endedAt: null, revertedAt: null })),
        touched: new Set(),
        failed: new Set(),
        reverted: new Set(),
        waits: createWaitRecorder(now()),
      });
      moved.add(rolloutId);
    },
    committed(entries) {
      for (const entry of entries) {
        lastAt = Math.max(lastAt, entry.at);
        if (entry.outcome === "refused") continue;
        if (entry.machine === "host") ofHost(entry);
        else if (entry.machine === "rollout") ofRollout(entry);
      }
    },
    rollouts: () => [...recorded.values()],
    takeMoved() {
      const taken = [...moved];
      moved.clear();
      return taken;
    },
    hostEvents: () => hostEvents,
    lastAt: () => lastAt,
  };
}

/** In the wave that the event is about. */
function failuresIn({ failed, waveOf }: Recorded, event: string | null): number {
  const { wave } = JSON.parse(event ?? "{}") as { wave?: number };
  return [...failed].filter((host) => waveOf.get(host) === wave).length;
}

interface Decided {
  gates: { gate: string; since: number; detail: string }[];
}

/** States in which the current wave is over, one way or another. */
const settled: ReadonlySet<string> = new Set(["Converging", "Terminal", "Failed", "Reverted"]);
