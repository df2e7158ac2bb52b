import { readFileSync } from "node:fs";

/** A file of the package by its path from there: beside `src/` in a checkout, beside `dist/` when it is installed. */
export function packageFile(path: string): URL {
  const isBuilt = import.meta.url.endsWith(".js");
  return new URL(`${isBuilt ? "../../" : "../"}${path}`, import.meta.url);
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string }).version;
}
