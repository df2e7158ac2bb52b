/** One metric of an exposition. */
export interface Family {
  help: string;
  type: string;
  samples: Sample[];
}

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const labelPair = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;

/** Reads the text format of Prometheus, version 0.0.4. Throws at whatever a scraper would stumble over. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>();
  const series = new Set<string>();
  if (!text.endsWith("\n")) throw new Error("The last line has no end");
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (families.has(name)) throw new Error(`${name} comes twice`);
      families.set(name, { help: rest, type: "untyped", samples: [] });
    } else if (kind === "TYPE") {
      const family = families.get(name);
      if (family === undefined || family.samples.length > 0) throw new Error(`TYPE of ${name} is out of place`);
      family.type = rest;
    } else {
      const sample = parseSample(line);
      const [owner, family] = [...families].at(-1) ?? [];
      if (owner === undefined || family === undefined || !namesOf(owner, family.type).includes(sample.name))
        throw new Error(`${line} belongs to nothing`);
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted()]);
      if (series.has(key)) throw new Error(`${line} comes twice`);
      series.add(key);
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family);
  return families;
}

function parseSample(line: string): Sample {
  const [, name, labelText = "", value = ""] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined) throw new Error(`${line} is no sample`);
  const number = /^nan$/i.test(value) ? Number.NaN : Number(value.replace("Inf", "Infinity"));
  if (Number.isNaN(number) && !/^nan$/i.test(value)) throw new Error(`${value} is no number`);
  return { name, labels: parseLabels(labelText), value: number };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ""; ) {
    const [matched, name = "", value = ""] = labelPair.exec(rest) ?? [];
    if (matched === undefined || name in labels) throw new Error(`${text} are no labels`);
    labels[name] = value.replaceAll("\\n", "\n").replaceAll('\\"', '"').replaceAll("\\\\", "\\");
    rest = rest.slice(matched.length);
  }
  return labels;
}

/** The names under which a metric has samples. */
export function namesOf(name: string, type: string): string[] {
  if (type === "histogram") return ["_bucket", "_sum", "_count"].map((end) => `${name}${end}`);
  return type === "summary" ? [name, `${name}_sum`, `${name}_count`] : [name];
}

/** Buckets grow, and the last one is the count. */
function checkHistogram(name: string, { samples }: Family): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _le, ...others } }) => JSON.stringify(others));
  for (const [labels, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const isRising = buckets.every(({ value }, index) => index === 0 || value >= (buckets[index - 1]?.value ?? 0));
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    if (!isRising || buckets.at(-1)?.labels["le"] !== "+Inf" || buckets.at(-1)?.value !== count)
      throw new Error(`The buckets of ${name}${labels} do not add up`);
  }
}
