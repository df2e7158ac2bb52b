import { createEngine, memoryStore, start, step, virtualClock } from "signalbox";
import { flagRollout } from "./flag-rollout.ts";

const minute = 60_000;
const input = { flag: "new-checkout", errorsMax: 500 };

// Purely: nothing runs, nothing is stored; a step takes a snapshot and an event, and gives what follows.
const begun = start(flagRollout, input, 0);
console.log(
  String(begun.snapshot.value),
  begun.effects.map(({ kind }) => kind),
);

const halted = step(flagRollout, begun.snapshot, { type: "errors.observed", perMillion: 900, at: 10 * minute });
console.log(String(halted.snapshot.value), halted.outcome === "changed" && halted.effects.map(({ kind }) => kind));

const early = step(flagRollout, halted.snapshot, { type: "rollout.resume", at: 11 * minute });
console.log(early.outcome, early.outcome === "refused" && early.reasons[0]?.detail);

// In an engine whose time is in our hand: a day passes at once.
const clock = virtualClock(0);
const engine = createEngine({ machines: [flagRollout], store: memoryStore(), clock });
await engine.create({ machine: "flagRollout", id: "flag/new-checkout", input });

await clock.advance(59 * minute);
await engine.runOnce();
const { instance, waitingFor, pending } = await engine.explain("flag/new-checkout");
console.log(
  `${instance.state} waits for ${waitingFor[0]?.what}; ${pending[0]?.kind} in ${((pending[0]?.dueAt ?? 0) - clock.now()) / minute} min`,
);

await clock.advance(minute);
await engine.runOnce();
console.log((await engine.read("flag/new-checkout")).state);

await engine.send("flag/new-checkout", { type: "errors.observed", perMillion: 501 });
const { verdict } = await engine.explain("flag/new-checkout", { type: "rollout.resume" });
console.log(verdict?.outcome, verdict?.reasons?.[0]?.hint);

await engine.send("flag/new-checkout", { type: "errors.observed", perMillion: 20 });
await engine.send("flag/new-checkout", { type: "rollout.resume" });
await clock.advance(60 * minute);
await engine.runOnce();
await clock.advance(24 * 60 * minute);
await engine.runOnce();
const { entries } = await engine.journal({ instance: "flag/new-checkout" });
console.log(entries.map(({ to }) => to).join(" > "));
await engine.stop();
