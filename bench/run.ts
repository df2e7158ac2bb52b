/** Every figure beside its baseline, in one run: `npm run bench`, with `-- --json` for machines, `-- NAME ...` for some. */
process.env["NODE_ENV"] = "production";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure } from "./measure.ts";

const names = ["step", "refusal", "send", "http", "start", "streams"] as const;
const limits: Readonly<Record<(typeof names)[number], string>> = {
  step: "at most 1.3",
  refusal: "at most 0.3",
  send: "at least 0.6",
  http: "at least 0.5",
  start: "at most 2",
  streams: "at most 2",
};

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const wanted = names.filter((name) => asked.length === 0 || asked.includes(name));
const directory = mkdtempSync(join(process.env["SIGNALBOX_BENCH_DIR"] ?? tmpdir(), "signalbox-bench-"));
const figures: Partial<Record<(typeof names)[number], Figure>> = {};
try {
  const { measureStep } = await import("./step.ts");
  const { step, refusal, stepAndFreezeUs } = measureStep();
  if (wanted.includes("step")) figures.step = step;
  if (wanted.includes("refusal")) figures.refusal = refusal;
  if (wanted.includes("send")) figures.send = await (await import("./send.ts")).measureSend(directory, stepAndFreezeUs);
  if (wanted.includes("http")) figures.http = await (await import("./http.ts")).measureHttp(directory);
  if (wanted.includes("start")) figures.start = await (await import("./start.ts")).measureStart(directory);
  if (wanted.includes("streams")) figures.streams = await (await import("./streams.ts")).measureStreams(directory);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

if (process.argv.includes("--json")) console.log(JSON.stringify(figures));
else for (const name of wanted) printFigure(name, figures[name] as Figure);

function printFigure(
  name: (typeof names)[number],
  { ratio, baseline, perSecond, p50Ms, p99Ms, ...details }: Figure,
): void {
  console.log(`${name}  ratio ${ratio.toFixed(3)} (${limits[name]}) to ${baseline}`);
  console.log(`  ${Math.round(perSecond)} a second, p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms`);
  for (const [detail, value] of Object.entries(details))
    console.log(`  ${detail} ${typeof value === "number" ? value.toFixed(3) : value}`);
}
