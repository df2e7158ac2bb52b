/** What a name with ranges stands for: `rack[1-2]-web[01-20]`. A name without a range stands for itself. */
export interface HostRange {
  /** How many names it stands for; known before a single one is made. */
  readonly size: number;
  /** In order. */
  names(): Generator<string>;
}

/** A sentence when the ranges in the name are not well formed. */
export function parseHostRange(name: string): HostRange | { readonly fault: string } {
  const parts = name.split(/(\[[^[\]]*\])/);
  const choices: Choices[] = [];
  for (const part of parts) {
    const choice = part.startsWith("[") ? rangeOf(part) : { size: 1, at: () => part };
    if ("fault" in choice) return choice;
    choices.push(choice);
  }
  const size = choices.reduce((product, choice) => product * choice.size, 1);
  return { size, names: () => namesOf(choices, "") };
}

/** The texts that may stand at one place of a name. */
interface Choices {
  readonly size: number;
  at(position: number): string;
}

function rangeOf(part: string): Choices | { readonly fault: string } {
  const [, from, to] = /^\[(\d{1,9})-(\d{1,9})\]$/.exec(part) ?? [];
  if (from === undefined || to === undefined) return { fault: `${part} is no range: write it as [1-20] or [001-020]` };
  const isPadded = from.length === to.length;
  if (!isPadded && (from.startsWith("0") || to.startsWith("0")))
    return { fault: `${part} is padded on one side only: write both ends with as many digits, as in [001-020]` };
  if (Number(to) < Number(from)) return { fault: `${part} runs backwards: write the smaller number first` };
  const width = isPadded ? from.length : 1;
  return {
    size: Number(to) - Number(from) + 1,
    at: (position) => String(Number(from) + position).padStart(width, "0"),
  };
}

function* namesOf(choices: readonly Choices[], before: string): Generator<string> {
  const [first, ...rest] = choices;
  if (first === undefined) yield before;
  else for (let position = 0; position < first.size; position += 1) yield* namesOf(rest, before + first.at(position));
}
