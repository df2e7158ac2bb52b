/** What a piece of text is; its look follows from it, here for measuring and in the style sheet for drawing. */
export type Tone = "title" | "event" | "word" | "guard" | "action" | "prose" | "label";

const looks: Readonly<Record<Tone, { sizePx: number; bold: boolean }>> = {
  title: { sizePx: 15, bold: true },
  event: { sizePx: 12.5, bold: true },
  word: { sizePx: 12.5, bold: false },
  guard: { sizePx: 12.5, bold: false },
  action: { sizePx: 12.5, bold: false },
  prose: { sizePx: 12.5, bold: false },
  label: { sizePx: 11, bold: false },
};

export function lookOf(tone: Tone): { sizePx: number; bold: boolean } {
  return looks[tone];
}

/** A piece of text; with `clock`, the glyph of a timer stands before it. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
  readonly clock?: boolean;
}

/** A span at its place in a line. */
export interface PlacedSpan extends Span {
  readonly x: number;
  readonly width: number;
}

export interface TextLine {
  readonly spans: readonly PlacedSpan[];
  readonly width: number;
}

export const clockWidth = 17;

/** Breaks spans at their spaces into lines of at most `maxWidth`; what follows the first line is indented. */
export function flow(spans: readonly Span[], { maxWidth, indent }: { maxWidth: number; indent: number }): TextLine[] {
  const lines: TextLine[] = [];
  let line: PlacedSpan[] = [];
  let x = 0;
  const breakLine = () => {
    lines.push({ spans: line, width: x });
    line = [];
    x = indent;
  };
  for (const word of spans.flatMap(wordsOf).flatMap((each) => piecesOf(each, maxWidth - indent))) {
    const gap = line.length > 0 && !word.glued ? widthOf(" ", word.tone) : 0;
    if (line.length > 0 && x + gap + word.width > maxWidth) breakLine();
    else x += gap;
    line.push({ text: word.text, tone: word.tone, x, width: word.width, ...(word.clock && { clock: true }) });
    x += word.width;
  }
  breakLine();
  return lines.map(joined);
}

interface Word extends Span {
  readonly width: number;
  /** Whether it follows the word before it without a space. */
  readonly glued?: boolean;
}

function wordsOf({ text, tone, clock }: Span): Word[] {
  return text
    .split(/[ \t\r\n]+/)
    .filter((word) => word !== "")
    .map((word, index) => {
      const isClocked = clock === true && index === 0;
      return { text: word, tone, width: widthOf(word, tone) + (isClocked ? clockWidth : 0), clock: isClocked };
    });
}

/** A word that is wider than a line is broken where the line ends. */
function piecesOf(word: Word, maxWidth: number): Word[] {
  if (word.width <= maxWidth) return [word];
  const pieces: string[] = [];
  let piece = "";
  for (const character of word.text) {
    if (piece !== "" && widthOf(piece + character, word.tone) > maxWidth - clockWidth) {
      pieces.push(piece);
      piece = "";
    }
    piece += character;
  }
  return [...pieces, piece].map((text, index) => ({
    ...word,
    text,
    width: widthOf(text, word.tone) + (word.clock && index === 0 ? clockWidth : 0),
    clock: word.clock === true && index === 0,
    glued: index > 0,
  }));
}

/** Neighbours of one tone become one span. */
function joined({ spans, width }: TextLine): TextLine {
  const merged: PlacedSpan[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (last?.tone !== span.tone || span.clock === true) merged.push(span);
    else {
      const separator = span.x > last.x + last.width + 0.01 ? " " : "";
      merged[merged.length - 1] = {
        ...last,
        text: last.text + separator + span.text,
        width: span.x + span.width - last.x,
      };
    }
  }
  return { spans: merged, width };
}

export function widthOf(text: string, tone: Tone): number {
  const { sizePx, bold } = looks[tone];
  const advances = bold ? boldAdvances : regularAdvances;
  let thousandths = 0;
  for (const character of text)
    thousandths += advances[(character === "\u00a0" ? 32 : character.codePointAt(0)!) - 32] ?? 1_000;
  return (thousandths / 1_000) * sizePx;
}

// Advance widths of Helvetica (and so of Arial and Liberation Sans) for the characters 32 to 126, in thousandths of the size.
const regularAdvances = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
  722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
  556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
  260, 334, 584,
];
const boldAdvances = [
  278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
  722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
  556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
  280, 389, 584,
];
