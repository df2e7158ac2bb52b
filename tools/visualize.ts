/** Writes the pictures of all machines; with `--check`, compares instead and names what is stale. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machines } from "../machines/index.ts";
import { drawMermaid } from "../src/diagram/mermaid.ts";
import { statelyConfig } from "../src/diagram/stately.ts";
import { drawSvg } from "../src/diagram/svg.ts";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    directory: { type: "string", default: join(import.meta.dirname, "..", "visualizations") },
  },
});
const wanted = await pictures();
const present = filesIn(values.directory);
const extra = [...present.keys()].filter((file) => !wanted.has(file));

if (values.check) {
  const faults = [
    ...[...wanted].flatMap(([file, content]) => {
      if (!present.has(file)) return [`${file} is missing`];
      return present.get(file) === content ? [] : [`${file} is stale`];
    }),
    ...extra.map((file) => `${file} is of no machine`),
  ];
  for (const fault of faults) console.error(fault);
  console.log(faults.length === 0 ? `${wanted.size} files are up to date` : "Run `npm run visualize`.");
  process.exitCode = faults.length === 0 ? 0 : 1;
} else {
  mkdirSync(values.directory, { recursive: true });
  for (const [file, content] of wanted) writeFileSync(join(values.directory, file), content);
  for (const file of extra) console.error(`${file} is of no machine: delete it`);
  console.log(`${wanted.size} files written to ${values.directory}`);
}

/** Every file that the machines ask for, by name. */
async function pictures(): Promise<Map<string, string>> {
  const files = new Map([["README.md", readme()]]);
  for (const machine of machines) {
    files.set(`${machine.name}.svg`, await drawSvg(machine));
    files.set(`${machine.name}.mmd`, drawMermaid(machine));
    files.set(`${machine.name}.json`, `${JSON.stringify(statelyConfig(machine), undefined, 2)}\n`);
  }
  return files;
}

function readme(): string {
  const sections = machines.map(({ name, chart }) =>
    [
      `## ${name}`,
      chart.root.description ?? "",
      `[![The statechart ${name}](${name}.svg)](${name}.svg)`,
      `[Picture](${name}.svg) · [Mermaid](${name}.mmd) · [configuration for Stately's editor](${name}.json)`,
    ].join("\n\n"),
  );
  const intro =
    "Drawn from the machines by `npm run visualize`; `npm run visualize -- --check` tells when they are stale.";
  return `${["# The statecharts", intro, ...sections].join("\n\n")}\n`;
}

function filesIn(directory: string): Map<string, string> {
  try {
    return new Map(
      readdirSync(directory, { withFileTypes: true }).map((entry) => [
        entry.name,
        entry.isFile() ? readFileSync(join(directory, entry.name), "utf8") : "",
      ]),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
}
