import { readFileSync } from "node:fs";
import { join } from "node:path";
import { collectDefaultMetrics } from "@prometheus-io/client";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createWorld } from "../support/world.ts";
import { namesOf } from "./exposition.ts";
import { metricsIn, type Used } from "./promql.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const docs = read("docs/telemetry.md");

interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description: string;
  datasource: { uid: string };
  gridPos: { h: number; w: number; x: number; y: number };
  targets: { expr: string; legendFormat: string; datasource: { uid: string } }[];
}

const { groups } = parse(read("ops/alerts.yml")) as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read("ops/grafana-dashboard.json")) as {
  title: string;
  uid: string;
  schemaVersion: number;
  templating: { list: { name: string; type: string; query: unknown; definition?: string }[] };
  panels: Panel[];
};
const panels = dashboard.panels.filter(({ type }) => type !== "row");

/** What `serve` exports: the labels of each by the name of its metric. */
const exported = new Map<string, { labels: readonly string[]; type: string }>();
let sampleNames: ReadonlyMap<string, readonly string[]>;

beforeAll(() => {
  const { registry } = createMetrics(createWorld().engine);
  collectDefaultMetrics({ register: registry });
  for (const metric of registry.getMetricsAsArray()) {
    const { labelNames } = metric as unknown as { labelNames: string[] }; // not in its types
    exported.set(metric.name, { labels: labelNames, type: metric.type });
  }
  sampleNames = new Map(
    [...exported].flatMap(([name, { labels, type }]) =>
      namesOf(name, type).map((each) => [each, each.endsWith("_bucket") ? [...labels, "le"] : labels] as const),
    ),
  );
});

/** What is used and not exported: a metric, or a label of one. `instance` and `job` are the scraper's. */
function unknownIn(expression: string): string[] {
  return metricsIn(expression.replaceAll("$instance", "x").replaceAll("$__rate_interval", "5m")).flatMap(unknownOf);
}

function unknownOf({ name, labels }: Used): string[] {
  const known = sampleNames.get(name);
  if (known === undefined) return [name];
  return labels.filter((label) => !known.includes(label) && label !== "instance").map((label) => `${name}{${label}}`);
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

describe("docs/telemetry.md", () => {
  it("has a row for every metric that is exported, and for nothing else", () => {
    const rows = docs.split("\n").filter((line) => /^\| `(?:signalbox|process|nodejs)_/.test(line));
    const names = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name));

    expect(names.toSorted()).toEqual([...exported.keys()].toSorted());
  });

  it("tells the type and the labels of ours as they are", () => {
    const rows = [...docs.matchAll(/^\| `(signalbox_\w+)` \| (\w+) \| ([^|]*)\|/gm)];
    const told = rows.map(([, name, type, labels = ""]) => [
      name,
      { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label) },
    ]);

    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries([...exported].filter(([name]) => name.startsWith("signalbox_"))),
    );
  });
});

describe("the names of metrics", () => {
  it("follow the conventions: base units, _total for counters and for nothing else of ours", () => {
    const ours = [...exported].filter(([name]) => name.startsWith("signalbox_"));

    expect(ours.filter(([name, { type }]) => (type === "counter") !== name.endsWith("_total"))).toEqual([]);
    expect(ours.filter(([name]) => /_(?:ms|millis|milliseconds|minutes|kb|percent)(?:_|$)/.test(name))).toEqual([]);
  });
});

describe("the alerts", () => {
  it("use metrics and labels that are exported", () => {
    expect(rules.length).toBeGreaterThan(5);
    expect(rules.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
  });

  it("have a name of their own, a time, a severity, and a sentence about what to do", () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, for: lasting, labels, annotations } of rules) {
      expect(alert).toMatch(/^Signalbox[A-Z]\w+$/);
      expect(lasting).toMatch(/^\d+[smh]$/);
      expect(["warning", "critical"]).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\. [A-Z].*\.$/);
    }
  });

  it("name labels in their sentences only that their expression leaves", () => {
    const left = ({ expr }: Rule) =>
      [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.split(", "));
    const named = ({ annotations }: Rule) =>
      [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = ""]) => label);

    expect(rules.flatMap((rule) => named(rule).filter((label) => !left(rule).includes(label)))).toEqual([]);
  });

  it("lead to a heading of the docs each, and no heading is without its alert", () => {
    const section = docs.slice(docs.indexOf("## Dashboard and alerts"), docs.indexOf("## Traces"));
    const headings = [...section.matchAll(/^### (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    const linked = rules.map(({ annotations }) => annotations.runbook.replace("docs/telemetry.md#", ""));

    expect([...new Set(linked)].toSorted()).toEqual(headings.toSorted());
  });
});

describe("the dashboard", () => {
  it("uses metrics and labels that are exported", () => {
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const variables = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);

    expect(expressions.length).toBeGreaterThan(15);
    expect([...expressions, ...variables].flatMap(unknownIn)).toEqual([]);
  });

  it("shows every metric of ours", () => {
    const shown = new Set(
      panels
        .flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsIn(expr.replaceAll("$__rate_interval", "5m"))))
        .map(({ name }) => name),
    );
    const ours = [...exported].filter(([name]) => name.startsWith("signalbox_"));

    expect(ours.filter(([name, { type }]) => !namesOf(name, type).some((each) => shown.has(each)))).toEqual([]);
  });

  it("can be imported anywhere: its data source is a variable, and every panel has it", () => {
    expect(dashboard).toMatchObject({ title: "Signalbox", uid: "signalbox", schemaVersion: expect.any(Number) });
    expect(dashboard.templating.list[0]).toMatchObject({ name: "datasource", type: "datasource", query: "prometheus" });
    const used = panels.flatMap(({ datasource, targets }) => [
      datasource,
      ...targets.map((target) => target.datasource),
    ]);
    expect([...new Set(used.map(({ uid }) => uid))]).toEqual(["${datasource}"]);
  });

  it("has panels that say what they show, each with an id and a place of its own", () => {
    const places = dashboard.panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );

    expect(new Set(places).size).toBe(places.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
    expect(panels.filter(({ title, description }) => title === "" || description === "")).toEqual([]);
  });

  it("names labels in its legends only that the expression leaves", () => {
    const faults = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr, legendFormat }) => {
        const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.split(", "));
        const [{ name } = { name: "" }] = metricsIn(expr.replaceAll("$__rate_interval", "5m"));
        const left = grouped.length > 0 ? grouped : [...(sampleNames.get(name) ?? []), "instance"];
        const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
        return named.filter((label) => !left.includes(label)).map((label) => `${expr}: ${label}`);
      }),
    );

    expect(faults).toEqual([]);
  });
});

describe("the check of expressions", () => {
  it.each([
    ["a metric that is not exported", "rate(signalbox_sent_total[5m])", ["signalbox_sent_total"]],
    ["a label that it has not", 'signalbox_pending{kind="call", colour="red"}', ["signalbox_pending{colour}"]],
    ["a grouping by what is not there", "sum by (route) (signalbox_pending)", ["signalbox_pending{route}"]],
    ["a histogram without its end", "signalbox_send_duration_seconds", ["signalbox_send_duration_seconds"]],
  ])("sees %s", (_what, expression, unknown) => {
    expect(unknownIn(expression)).toEqual(unknown);
  });

  it.each([["rat(signalbox_pending[5m])"], ["sum(signalbox_pending"], ["sum(signalbox_pending}"], ["up == 0"]])(
    "stumbles over %s",
    (expression) => {
      expect(() => metricsIn(expression)).toThrow();
    },
  );
});
