const limitMs = 30_000; // for a loaded machine; what is waited for takes milliseconds
const everyMs = 20; // most conditions are asked of a server, whose work it is too

/** Waits until the condition holds; fails with a sentence when it does not in good time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Waited ${limitMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
