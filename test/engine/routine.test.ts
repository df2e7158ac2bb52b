import { describe, expect, it } from "vitest";
import { run, waitFor, type Routine } from "../../src/engine/routine.ts";

describe("a routine", () => {
  it("runs to its end at once where there is nothing to wait for, also through others", () => {
    const done: string[] = [];
    function* inner(late?: Promise<void>): Routine<string> {
      if (late !== undefined) yield* waitFor(late);
      done.push("inner");
      return "of inner";
    }
    function* outer(): Routine<void> {
      done.push(yield* inner());
    }

    expect(run(outer())).toBeUndefined();

    expect(done).toEqual(["inner", "of inner"]);
  });

  it("goes on with what a promise resolves to", async () => {
    function* sum(): Routine<number> {
      return (yield* waitFor(Promise.resolve(2))) + (yield* waitFor(Promise.resolve(3)));
    }

    await expect(run(sum())).resolves.toBe(5);
  });

  it("meets what a promise rejects with where it waits, and may go on", async () => {
    const done: string[] = [];
    function* careful(): Routine<string> {
      try {
        yield* waitFor(Promise.reject(new Error("no")));
      } catch (error) {
        done.push((error as Error).message);
      } finally {
        done.push("cleaned up");
      }
      return yield* waitFor(Promise.resolve("went on"));
    }

    await expect(run(careful())).resolves.toBe("went on");
    expect(done).toEqual(["no", "cleaned up"]);
  });

  it("throws what it throws before it has waited, and rejects with it afterwards", async () => {
    function* failing(waits: boolean): Routine<void> {
      if (waits) yield* waitFor(Promise.resolve());
      throw new Error("broken");
    }

    expect(() => run(failing(false))).toThrow("broken");
    await expect(run(failing(true))).rejects.toThrow("broken");
  });
});
