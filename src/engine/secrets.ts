/** The value that a reference (`env:NAME`, `file:PATH`) stands for. Rejects when there is none. */
export type ResolveSecret = (reference: string) => Promise<string>;

/** A call's input with its secrets in it, and a way to take them out of whatever comes back. */
export interface Unsealed {
  input: unknown;
  /** Puts the references back where a value shows, at any depth. */
  seal<Value>(value: Value): Value;
}

const sealedLengthMin = 4; // shorter values stand everywhere: taking them out would only garble

/** Fills in every `{ secret: "env:NAME" }` of a call's input. The values live in memory only, for as long as the call. */
export async function unseal(input: unknown, resolve: ResolveSecret): Promise<Unsealed> {
  const values = new Map<string, string>(); // value -> reference

  async function fill(value: unknown): Promise<unknown> {
    if (typeof value !== "object" || value === null) return value;
    if (isReference(value)) {
      const secret = await resolve(value.secret);
      values.set(secret, value.secret);
      return secret;
    }
    if (Array.isArray(value)) return Promise.all(value.map(fill));
    const entries = Object.entries(value).map(async ([key, inner]) => [key, await fill(inner)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  function seal(value: unknown): unknown {
    if (typeof value === "string") return sealText(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(seal);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [sealText(key), seal(inner)]));
  }

  function sealText(text: string): string {
    let sealed = text;
    for (const [secret, reference] of values) {
      if (secret.length >= sealedLengthMin) sealed = sealed.replaceAll(secret, `[${reference}]`);
    }
    return sealed;
  }

  const filled = await fill(input);
  return { input: filled, seal: <Value>(value: Value) => (values.size === 0 ? value : (seal(value) as Value)) };
}

/** An object with a `secret` and nothing else, so that no text is taken for a reference by chance. */
function isReference(value: object): value is { secret: string } {
  const { secret } = value as { secret?: unknown };
  return typeof secret === "string" && /^(?:env|file):./.test(secret) && Object.keys(value).length === 1;
}
