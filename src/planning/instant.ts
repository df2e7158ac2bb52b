/** RFC 3339, with an offset: a time without one would mean another instant elsewhere. Undefined for anything else. */
export function parseInstant(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const at = Date.parse(text); // alone it takes "tomorrow at 5" for a day in 2001
  return at >= 0 ? at : undefined;
}
