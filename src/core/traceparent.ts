/**
 * A `traceparent` of W3C Trace Context as it is handed on, in the form of version 00; undefined for a malformed one, which is
 * to be ignored. Of a later version only the fields of version 00 are read, as the recommendation asks.
 */
export function traceparentIn(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const fields = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(-.*)?$/.exec(header);
  if (fields === null) return undefined;
  const [, version, ids, more] = fields;
  return version === "00" && more !== undefined ? undefined : `00-${ids}`;
}
