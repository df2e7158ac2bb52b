const limitMs = 15_000; // for a loaded machine; what is waited for takes milliseconds
const everyMs = 10;

/** Waits until the condition holds; fails with a sentence when it does not in good time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Waited ${limitMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
