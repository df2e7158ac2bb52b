const functions = new Set(
  "absent and by clamp_max histogram_quantile increase label_values max min offset on or rate sum topk unless vector".split(
    " ",
  ),
);
const metricName = /^(?:signalbox|process|nodejs)_\w+$/;

/** A metric as an expression uses it, with the labels that it names. */
export interface Used {
  name: string;
  labels: string[];
}

/**
 * The metrics of a PromQL expression. Knows what the rules and panels here are written with; throws at a name that is neither
 * a metric nor known, and at brackets that do not match.
 */
export function metricsIn(expression: string): Used[] {
  const text = expression.replace(/"[^"]*"/g, '""');
  checkBrackets(text);
  const groupings = [...text.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.split(/\s*,\s*/));
  const used: Used[] = [];
  const rest = text
    .replace(/\bby \([^)]*\)/g, "by")
    .replace(/label_values\((\w+), (\w+)\)/g, (_, name: string) => `label_values(${name})`)
    .replace(/(\w+)\{([^}]*)\}/g, (_, name: string, matchers: string) => {
      used.push({ name, labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label) });
      return "";
    })
    .replace(/\[\w*\$?\w*\]/g, "");
  for (const [word] of rest.matchAll(/[a-zA-Z_]\w*/g)) {
    if (metricName.test(word)) used.push({ name: word, labels: [] });
    else if (!functions.has(word) && !/^[smhd]$/.test(word)) throw new Error(`${word} in ${expression} is not known`);
  }
  return used.map(({ name, labels }) => ({ name, labels: [...labels, ...groupings] }));
}

function checkBrackets(text: string): void {
  const open: string[] = [];
  const closes: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };
  for (const [bracket] of text.matchAll(/[()[\]{}]/g)) {
    const opener = closes[bracket];
    if (opener === undefined) open.push(bracket);
    else if (open.pop() !== opener) throw new Error(`${text} has brackets that do not match`);
  }
  if (open.length > 0) throw new Error(`${text} has an open ${open.join("")}`);
}
