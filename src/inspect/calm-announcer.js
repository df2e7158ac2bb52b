const announceEveryMs = 2_000; // of a burst the first is told at once, and then its end

/** Tells a burst in two sentences. @param {(text: string) => void} announce */
export function calmly(announce) {
  /** @type {string | undefined} */
  let next;
  let isResting = false;
  const tell = (/** @type {string} */ text) => {
    announce(text);
    isResting = true;
    setTimeout(() => {
      isResting = false;
      if (next !== undefined) tell(next);
      next = undefined;
    }, announceEveryMs);
  };
  return (/** @type {string} */ text) => {
    if (isResting) next = text;
    else tell(text);
  };
}
