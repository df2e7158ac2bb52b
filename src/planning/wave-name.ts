/** What a wave without a name of its own is called: "wave 1" is the first. */
export function nameByPlace(index: number): string {
  return `wave ${index + 1}`;
}

/** A wave in a sentence: "wave canary", and "wave 2" where that is its name. */
export function waveText(waves: readonly { readonly name: string }[], index: number): string {
  return waveNamed(waves[index]?.name ?? nameByPlace(index));
}

export function waveNamed(name: string): string {
  return name.startsWith("wave ") ? name : `wave ${name}`;
}
