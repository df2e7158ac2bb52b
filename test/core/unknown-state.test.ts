import { expect, it } from "vitest";
import { host } from "../../machines/host/host.ts";
import { rollout } from "../../machines/rollout/rollout.ts";
import { freeze, thaw } from "../../src/core/freeze.ts";
import { start } from "../../src/core/step.ts";

it.each([
  [rollout, { rolloutId: "stable@v2", channel: "stable", targetRef: "v2" }, { rollout: "Paused", control: "Running" }],
  [host, { rolloutId: "stable@v2", host: "web-1", channel: "stable", target: "v2", wave: 0 }, "Healthy"],
])(
  "a stored state that a machine does not have is refused by name, and not crashed on (%#)",
  (machine, input, value) => {
    const stored = freeze(start(machine, input, 0).snapshot);

    const thawing = () => thaw(machine, { ...stored, value });

    expect(thaw(machine, stored).value).toEqual(stored.value);
    expect(thawing).toThrow(expect.objectContaining({ code: "needs-migration" }));
    expect(thawing).toThrow(
      new RegExp(`does not fit version ${machine.version} of ${machine.name}: .*(Paused|Healthy)`),
    );
  },
);
