import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { errorCatalogue } from "../../src/core/errors.ts";
import { operations } from "../../src/operations/index.ts";
import type { Operation } from "../../src/operations/operation.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "../../docs", name), "utf8");

/** `code`, status and exit code of each row of the table. */
function rowsOf(text: string): string[] {
  return [...text.matchAll(/^\| `([\w-]+)` \| (\d+) \| (\d+) \| .{10,} \| .{5,} \|$/gm)].map((row) =>
    row.slice(1).join(" "),
  );
}

/** Text under each heading that names a route. */
function sectionsOf(text: string): Map<string, string> {
  const parts = text.split(/^#{2,3} /m).slice(1);
  const routes = parts.flatMap((part) => {
    const [, route] = /^`([A-Z]+ \/\S*)`\n/.exec(part) ?? [];
    return route === undefined ? [] : [[route, part.slice(part.indexOf("\n"))] as const];
  });
  return new Map(routes);
}

const routeOf = ({ method, path }: Operation) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`;

/** Names that a caller has to know to ask: of the query and of the body's own fields. */
function namesOf({ query, body }: Operation): string[] {
  return [query, body].flatMap((schema) => {
    if (schema === undefined) return [];
    const { properties = {}, anyOf = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
    const branches = anyOf.flatMap((branch) => Object.keys((branch as { properties?: object }).properties ?? {}));
    return [...Object.keys(properties), ...branches];
  });
}

describe("docs/errors.md", () => {
  it("has a row for each code of the catalogue, with its status and exit code, and for no other", () => {
    const known = Object.entries(errorCatalogue).map(([code, { status, exit }]) => `${code} ${status} ${exit}`);

    expect(rowsOf(read("errors.md"))).toEqual(known);
  });

  it("is read with eyes that see", () => {
    const text = "| `a-b` | 400 | 2 | When it does not fit. | Mend it. |\n| `c` | 400 | 2 | |";

    expect(rowsOf(text)).toEqual(["a-b 400 2"]);
  });
});

describe("docs/http.md", () => {
  it("has a section for each operation, and for nothing else", () => {
    expect([...sectionsOf(read("http.md")).keys()].toSorted()).toEqual(operations.map(routeOf).toSorted());
  });

  it("names what each takes", () => {
    const sections = sectionsOf(read("http.md"));

    const missing = operations.flatMap((operation) =>
      namesOf(operation)
        .filter((name) => !new RegExp(`\`[^\`]*\\b${name}\\b[^\`]*\``).test(sections.get(routeOf(operation)) ?? ""))
        .map((name) => `${routeOf(operation)}: ${name}`),
    );

    expect(missing).toEqual([]);
    expect(namesOf(operations.find(({ name }) => name === "send-event") as Operation)).toEqual(["dryRun", "type"]);
  });
});

describe("the operations", () => {
  it("have names and routes of their own, and a sentence each", () => {
    const distinct = (texts: string[]) => expect(new Set(texts).size).toBe(texts.length);

    distinct(operations.map(({ name }) => name));
    distinct(operations.map(routeOf));
    for (const { name, summary } of operations) {
      expect(name).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
      expect(summary).toMatch(/^[A-Z].+\.$/);
    }
  });
});
