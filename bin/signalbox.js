#!/usr/bin/env node
// Plain JavaScript that any Node understands: an old one gets a sentence instead of a syntax error.
import { existsSync } from "node:fs";

const nodeMajorMin = 24; // node:sqlite without a warning, and types that are stripped
if (Number(process.versions.node.split(".")[0]) < nodeMajorMin) {
  console.error(
    `signalbox needs Node.js ${nodeMajorMin} or newer; this is ${process.version}. In a checkout, \`npx signalbox\` uses the one that npm ci brings.`,
  );
  process.exit(78);
}
process.env.NODE_ENV ??= "production"; // XState and Express have slower builds for development
const built = new URL("../dist/src/main.js", import.meta.url);
const source = new URL("../src/main.ts", import.meta.url);
const { main } = await import((existsSync(source) ? source : built).href);
process.exitCode = await main(process.argv.slice(2));
