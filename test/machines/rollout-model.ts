/**
 * A rollout written down a second time, as plainly as can be: every host by name, nothing counted up, every rule asked of
 * all hosts anew. What the chart does with counters has to come out the same.
 */
export interface ModelHost {
  wave: number;
  state: string;
}

export interface ModelRules {
  hosts: readonly number[];
  maxFailures: number;
  minConverged: number;
  excusedMaxPct: number;
  policy: "halt" | "rollback-and-halt" | "rollback-all";
}

export interface Model {
  readonly state: string;
  readonly currentWave: number;
  readonly isPaused: boolean;
  readonly hosts: readonly ModelHost[];
  join(): void;
  move(host: ModelHost, to: string): void;
  advance(fromWave: number, toWave: number): void;
  complete(): void;
  pause(): void;
  resume(): void;
  supersede(): void;
  expire(): void;
}

export function modelOf(rules: ModelRules): Model {
  const hosts: ModelHost[] = rules.hosts.flatMap((count, wave) =>
    Array.from({ length: count }, () => ({ wave, state: "Pending" })),
  );
  const waves = rules.hosts.length;
  const isOpen = () => state === "Opening" || state === "Active" || state === "Converging";
  const isHalted = () => state === "Failed" || state === "Reverted";
  let currentWave = Math.max(
    0,
    rules.hosts.findIndex((count) => count > 0),
  );
  let state = hosts.length === 0 ? "Terminal" : "Opening";
  let accepted = 0;
  let isPaused = false;

  const inWave = (wave: number, ...states: string[]) =>
    hosts.filter((host) => host.wave === wave && (states.length === 0 || states.includes(host.state))).length;

  function isStopping(wave: number): boolean {
    if (wave < currentWave) return false;
    const unaccepted = inWave(wave, "Excused") - (wave === currentWave ? accepted : 0);
    return unaccepted * 100 > rules.excusedMaxPct * inWave(wave);
  }

  function isBeyond(wave: number): boolean {
    const failed = inWave(wave, "Failed", "Reverted");
    const reachable = inWave(wave) - inWave(wave, "Excused");
    return failed > rules.maxFailures || reachable - failed < Math.min(rules.minConverged, reachable);
  }

  function isSettled(wave: number): boolean {
    const done = inWave(wave, "Converged", "Deferred", "Excused", "Failed", "Reverted");
    const needed = Math.min(rules.minConverged, inWave(wave) - inWave(wave, "Excused"));
    return done === inWave(wave) && !isBeyond(wave) && !isStopping(wave) && inWave(wave, "Converged") >= needed;
  }

  const isDone = () =>
    rules.hosts.every((_, wave) => isSettled(wave)) && hosts.every((host) => host.state !== "Deferred");
  const isLast = (wave: number) => !rules.hosts.some((count, each) => each > wave && count > 0);

  /** What follows from how the hosts are. */
  function look(): void {
    if (state !== "Active" && state !== "Converging") return;
    if (isDone()) state = "Terminal";
    else if (state === "Active" && isSettled(currentWave) && !isLast(currentWave)) state = "Converging";
    stop();
  }

  function stop(): void {
    if (isOpen() && isStopping(currentWave)) isPaused = true;
    if (!isOpen()) isPaused = false;
  }

  return {
    hosts,
    get state() {
      return state;
    },
    get currentWave() {
      return currentWave;
    },
    get isPaused() {
      return isPaused;
    },
    join() {
      if (state === "Opening") state = "Active";
    },
    move(host, to) {
      if (state === "Opening" || state === "Pruned") return;
      host.state = to;
      const isFailure = to === "Failed" || to === "Reverted";
      if ((state === "Active" || state === "Converging") && isFailure && isBeyond(host.wave)) state = to;
      else if (state === "Failed" && to === "Reverted" && rules.policy !== "halt") state = "Reverted";
      stop();
      look();
    },
    advance(fromWave, toWave) {
      if ((state !== "Active" && state !== "Converging") || fromWave !== currentWave || !isSettled(currentWave)) return;
      if (toWave <= fromWave) {
        if (!isLast(currentWave)) state = "Converging";
        return;
      }
      if (toWave >= waves) return;
      for (let between = fromWave + 1; between < toWave; between += 1) if (!isSettled(between)) return;
      state = "Active";
      currentWave = toWave;
      accepted = 0;
      stop();
      look();
    },
    complete() {
      if ((state === "Active" || state === "Converging") && isDone()) state = "Terminal";
      stop();
    },
    pause() {
      if (isOpen()) isPaused = true;
    },
    resume() {
      if (!isOpen() || !isPaused) return;
      isPaused = false;
      accepted = inWave(currentWave, "Excused");
      look();
    },
    supersede() {
      if (state === "Superseded" || state === "Pruned") return;
      state = "Superseded";
      stop();
    },
    expire() {
      if (state === "Terminal" || state === "Superseded" || isHalted()) state = "Pruned";
    },
  };
}
