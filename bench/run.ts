/** Every figure beside its baseline, in one run: `npm run bench`, with `-- --json` for machines, `-- NAME ...` for some, `-- rollouts --large` for 100,000 hosts. */
process.env["NODE_ENV"] = "production";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure } from "./measure.ts";

const names = ["step", "refusal", "send", "http", "start", "streams", "agents", "planner", "rollouts"] as const;
const limits: Readonly<Record<(typeof names)[number], string>> = {
  step: "at most 1.3",
  refusal: "at most 0.3",
  send: "at least 0.6",
  http: "at least 0.5",
  start: "at most 2",
  streams: "at most 2",
  planner: "at most 3",
  agents: "at most 12",
  rollouts: "at most 1.5",
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
  if (wanted.includes("agents")) figures.agents = await (await import("./agents.ts")).measureAgents(directory);
  if (wanted.includes("planner")) figures.planner = (await import("./planner.ts")).measurePlanner();
  if (wanted.includes("rollouts")) {
    const isLarge = process.argv.includes("--large");
    figures.rollouts = await (await import("./rollouts.ts")).measureRollouts({ isLarge });
  }
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
