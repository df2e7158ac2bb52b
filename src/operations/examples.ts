import { z } from "zod";
import { answerExamples, cordonEntry, problemExamples } from "./answer-examples.ts";
import type { ErrorCode } from "../core/errors.ts";
import { eventStreamType, type AnswerShape } from "./operation.ts";
import { rolloutExamples } from "./rollout-examples.ts";

/** What may be shown of an answer, by name. */
export type Examples = Readonly<Record<string, unknown>>;

/** Those of an answer's schema, or those of them that the answer names. Throws for a name that there is not. */
export function examplesOf({ schema, contentType = "", examples: names }: AnswerShape): Examples {
  if (schema === undefined) return textExamples[contentType] ?? {};
  const known = examplesOfSchema(schema);
  if (names === undefined) return known;
  return Object.fromEntries(names.map((name) => [name, named(known, name)]));
}

/** One of each code that may be shown, and of refusals one of each kind of instance. */
export function examplesOfProblems(codes: readonly ErrorCode[]): Examples {
  return Object.fromEntries(Object.entries(problemExamples).filter(([, { code }]) => codes.includes(code)));
}

function examplesOfSchema(schema: z.ZodType): Examples {
  if (schema instanceof z.ZodUnion) {
    return Object.assign({}, ...(schema.options as z.ZodType[]).map(examplesOfSchema)) as Examples;
  }
  return answerExamples.get(schema) ?? rolloutExamples.get(schema) ?? {};
}

function named(known: Examples, name: string): unknown {
  if (name in known) return known[name];
  throw new TypeError(`There is no example ${name}; there are ${Object.keys(known).join(", ")}.`);
}

/** Of answers that are no JSON, by their type. */
const textExamples: Readonly<Record<string, Examples>> = {
  [eventStreamType]: {
    stream: `id: 1\n\nid: 2\nevent: entry\ndata: ${JSON.stringify(cordonEntry)}\n\n`,
  },
  "text/plain": {
    metrics:
      '# HELP signalbox_ready 1 while a check of readiness passes, by check.\n# TYPE signalbox_ready gauge\nsignalbox_ready{check="store"} 1\n',
  },
  "image/svg+xml": {
    diagram: '<svg xmlns="http://www.w3.org/2000/svg" role="img"><title>line</title><!-- its states --></svg>\n',
  },
  "text/html": {
    page: '<!doctype html>\n<html lang="en"><head><title>Signalbox</title></head><body><!-- ... --></body></html>\n',
  },
  "text/css": { style: ":root {\n  color-scheme: light dark;\n}\n" },
  "text/javascript": { script: 'const filter = document.querySelector("#filter");\n' },
};
