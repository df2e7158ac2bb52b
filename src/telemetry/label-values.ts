/** What a label says in place of values beyond its limit. */
export const otherValue = "other";

/**
 * Lets the first so many values of a label through, and calls all further ones `other`: each value is a time series of its own
 * in the memory of whoever scrapes, and of this process.
 */
export function createLabelValues(valuesMax: number): (value: string) => string {
  const seen = new Set<string>();
  return (value) => {
    if (seen.has(value)) return value;
    if (seen.size >= valuesMax) return otherValue;
    seen.add(value);
    return value;
  };
}
