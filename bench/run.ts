/** Every figure beside its baseline, in one run: `npm run bench -- --help`. */
process.env["NODE_ENV"] = "production";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Figure } from "./measure.ts";
import type { measureStep } from "./step.ts";

interface Measurement {
  /** What the ratio has to keep. */
  limit: string;
  says: string;
  measure(directory: string): Promise<Figure>;
}

const measurements: Readonly<Record<string, Measurement>> = {
  step: {
    limit: "at most 1.3",
    says: "what a step costs beside XState's own live actor",
    measure: async () => (await steps()).step,
  },
  refusal: {
    limit: "at most 0.3",
    says: "what a refused event costs beside the same",
    measure: async () => (await steps()).refusal,
  },
  send: {
    limit: "at least 0.6",
    says: "durable sends of 128 callers beside a hand-written loop that commits the same rows",
    async measure(directory) {
      const { stepAndFreezeUs } = await steps();
      return (await import("./send.ts")).measureSend(directory, stepAndFreezeUs);
    },
  },
  http: {
    limit: "at least 0.5",
    says: "POST .../events over 64 connections beside a bare Express echo",
    measure: async (directory) => (await import("./http.ts")).measureHttp(directory),
  },
  start: {
    limit: "at most 2",
    says: "opening a database and starting the engine beside reading the rows of its instances once",
    measure: async (directory) => (await import("./start.ts")).measureStart(directory),
  },
  streams: {
    limit: "at most 2",
    says: "how soon 1,000 open streams have an entry beside a bare server that writes the same",
    measure: async (directory) => (await import("./streams.ts")).measureStreams(directory),
  },
  agents: {
    limit: "at most 5",
    says: "how late 2,000 agents hear that an event was taken, beside a bare echo",
    measure: async (directory) => (await import("./agents.ts")).measureAgents(directory),
  },
  planner: {
    limit: "at most 3",
    says: "what a decision costs at 100,000 hosts beside 100",
    measure: async () => (await import("./planner.ts")).measurePlanner(),
  },
  rollouts: {
    limit: "at most 1.5",
    says: "what an event of a host costs in a large simulated rollout beside a small one",
    measure: async () => (await import("./rollouts.ts")).measureRollouts({ isLarge: options.large }),
  },
};

let measuredSteps: ReturnType<typeof measureStep> | undefined; // two figures and a part of a third
async function steps(): Promise<ReturnType<typeof measureStep>> {
  measuredSteps ??= (await import("./step.ts")).measureStep();
  return measuredSteps;
}

const { options, wanted } = asked();
if (options.help) console.log(help());
else if (options.list) console.log(Object.keys(measurements).join("\n"));
else await run();

async function run(): Promise<void> {
  const figures: Record<string, Figure> = {};
  const directory = mkdtempSync(join(process.env["SIGNALBOX_BENCH_DIR"] ?? tmpdir(), "signalbox-bench-"));
  try {
    for (const [name, measurement] of Object.entries(measurements)) {
      if (!wanted.includes(name)) continue;
      const figure = await measurement.measure(directory);
      figures[name] = figure;
      if (!options.json) printFigure(name, measurement, figure);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  if (options.json) console.log(JSON.stringify(figures));
}

interface Asked {
  options: Record<"json" | "list" | "large" | "help", boolean>;
  wanted: readonly string[];
}

/** Ends the process with 2 for what it does not know. */
function asked(): Asked {
  try {
    return parsed();
  } catch (error) {
    console.error(`${(error as Error).message}\nAsk for --help.`);
    return process.exit(2);
  }
}

function parsed(): Asked {
  const flag = { type: "boolean", default: false } as const;
  const { values, positionals } = parseArgs({
    options: { json: flag, list: flag, large: flag, help: { ...flag, short: "h" } },
    allowPositionals: true,
  });
  const names = Object.keys(measurements);
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`There is no figure ${unknown.join(", ")}; choose from ${names.join(", ")}.`);
  return { options: values, wanted: positionals.length === 0 ? names : positionals };
}

function help(): string {
  const width = Math.max(...Object.keys(measurements).map((name) => name.length));
  return [
    "Usage: npm run bench -- [NAME...] [--json] [--large]",
    "",
    "Measures what is named, or all, each beside a baseline of the same run. A ratio is of times, or of throughputs where it has a lower limit.",
    "",
    ...Object.entries(measurements).map(([name, { says, limit }]) => `  ${name.padEnd(width)}  ${says} (${limit})`),
    "",
    "  --json   one line of JSON instead of text",
    "  --large  rollouts: 100,000 hosts as well, some minutes and 2 GB of memory",
    "  --list   the names alone",
    "  --help   this",
    "",
    "SIGNALBOX_BENCH_DIR names the directory for databases: choose one on the disk that is to be measured.",
  ].join("\n");
}

function printFigure(
  name: string,
  { limit }: Measurement,
  { ratio, baseline, perSecond, p50Ms, p99Ms, ...details }: Figure,
): void {
  console.log(`${name}  ratio ${ratio.toFixed(3)} (${limit}) to ${baseline}`);
  console.log(`  ${Math.round(perSecond)} a second, p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms`);
  for (const [detail, value] of Object.entries(details))
    console.log(`  ${detail} ${typeof value === "number" ? value.toFixed(3) : value}`);
}
