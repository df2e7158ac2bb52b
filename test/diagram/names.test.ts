import { and, not, or, stateIn } from "xstate";
import { describe, expect, it } from "vitest";
import { guardName } from "../../src/diagram/names.ts";

const under = (name: string) => stateIn({ lifecycle: name });

describe("a composed guard", () => {
  it("says the way to alternative states once, however deep they are put together", () => {
    const isBegun = or([under("Opening"), under("Active")]);

    expect(guardName(isBegun)).toBe("in lifecycle.Opening or Active");
    expect(guardName(or([isBegun, under("Closing")]))).toBe("in lifecycle.Opening or Active or Closing");
    expect(guardName(and([isBegun, not("isHeld")]))).toBe("(in lifecycle.Opening or Active) and not isHeld");
  });

  it("says every way where they differ, or where something else is an alternative", () => {
    expect(guardName(or([under("Active"), stateIn({ traffic: "Full" })]))).toBe(
      "in lifecycle.Active or in traffic.Full",
    );
    expect(guardName(or([under("Active"), "isForced"]))).toBe("in lifecycle.Active or isForced");
    expect(guardName(or([stateIn("#one"), stateIn("#other")]))).toBe("in one or in other");
    const inBoth = stateIn({ lifecycle: "Active", traffic: "Full" });
    expect(guardName(or([inBoth, inBoth]))).toBe(
      "in lifecycle.Active and traffic.Full or in lifecycle.Active and traffic.Full",
    );
    expect(guardName(and([under("Active"), under("Closing")]))).toBe("in lifecycle.Active and in lifecycle.Closing");
  });
});
