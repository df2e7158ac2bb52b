import { lookOf, type Tone } from "./text.ts";

const light = {
  paper: "#f6f5f1",
  panel: "#fdfdfb",
  box: "#ffffff",
  bar: "#e9edee",
  ink: "#16222a",
  soft: "#5a6871",
  guard: "#2f6f8f",
  edge: "#7d8b93",
  hair: "#dfe3e4",
  track: "#3d4f5a",
  steady: "#1c8454",
  "steady-bar": "#dff0e6",
  attention: "#c2331f",
  "attention-bar": "#f9e1db",
  lit: "#fff6d6",
  "lit-bar": "#ffdf7d",
  "lit-edge": "#b98a00",
};

const dark: typeof light = {
  paper: "#0f1519",
  panel: "#141c21",
  box: "#1b252b",
  bar: "#26323a",
  ink: "#e9eff2",
  soft: "#9aabb5",
  guard: "#7fc0e0",
  edge: "#5d6f7a",
  hair: "#2c3942",
  track: "#a9bac4",
  steady: "#4fc98e",
  "steady-bar": "#1a3a2c",
  attention: "#ff7d68",
  "attention-bar": "#46231d",
  lit: "#352d12",
  "lit-bar": "#6a5314",
  "lit-edge": "#f3c552",
};

/** Helvetica is what stations are lettered in; the others named here have its widths, so that text fits where it was measured. */
const family = `"Helvetica Neue",Helvetica,Arial,"Liberation Sans",sans-serif`;

/** The look of a picture. A page that shows one may set the variables, and light states and tracks with the class `lit`. */
export const styleSheet = [
  `.statechart{${variables(light)}font-family:${family}}`,
  `@media (prefers-color-scheme:dark){.statechart{${variables(dark)}}}`,
  ...rules({
    text: "fill:var(--ink)",
    ".paper": "fill:var(--paper)",
    ".box": "fill:var(--box)",
    ".frame": "fill:none;stroke:var(--edge);stroke-width:1.25",
    ".bar": "fill:var(--bar)",
    ".lamp": "fill:none;stroke:var(--soft);stroke-width:2",
    ".rule": "stroke:var(--hair)",
    ".around>.box": "fill:var(--panel)",
    ".parting": "stroke:var(--edge);stroke-width:1.5;stroke-dasharray:7 5",
    ".steady .bar": "fill:var(--steady-bar)",
    ".steady .lamp": "fill:var(--steady);stroke:var(--steady)",
    ".attention .frame": "stroke:var(--attention)",
    ".attention .bar": "fill:var(--attention-bar)",
    ".attention .lamp": "fill:var(--attention);stroke:var(--attention)",
    ".final .lamp": "stroke:var(--ink)",
    ".core,.dot": "fill:var(--ink)",
    ".lit .box": "fill:var(--lit)",
    ".lit .bar": "fill:var(--lit-bar)",
    ".lit .frame": "stroke:var(--lit-edge);stroke-width:3",
    ".lit.around .box": "fill:var(--panel)",
    ".lit.around .bar": "fill:var(--bar)",
    ".lit.around .frame": "stroke-width:1.75",
    ".line": "fill:none;stroke:var(--track);stroke-width:1.75",
    ".head": "fill:var(--track)",
    ".card": "fill:var(--paper);stroke:var(--hair);stroke-width:1.25",
    ".clock": "fill:none;stroke:var(--ink);stroke-width:1.4;stroke-linecap:round;stroke-linejoin:round",
    ".track.lit .line": "stroke:var(--lit-edge);stroke-width:3",
    ".track.lit .head": "fill:var(--lit-edge)",
    ".track.lit .card": "stroke:var(--lit-edge)",
    ".title": font("title"),
    ".event": font("event"),
    ".word": `${font("word")};fill:var(--soft)`,
    ".guard": `${font("guard")};fill:var(--guard)`,
    ".action": `${font("action")};fill:var(--soft)`,
    ".prose": `${font("prose")};fill:var(--soft)`,
    ".label": `${font("label")};fill:var(--soft)`,
  }),
].join("\n");

function variables(palette: typeof light): string {
  return Object.entries(palette)
    .map(([name, colour]) => `--${name}:${colour};`)
    .join("");
}

/** Every rule holds within a picture only: it may lie in a page that has classes of its own. */
function rules(declarations: Readonly<Record<string, string>>): string[] {
  return Object.entries(declarations).map(([selectors, declaration]) => {
    const scoped = selectors.split(",").map((selector) => `.statechart ${selector}`);
    return `${scoped.join(",")}{${declaration}}`;
  });
}

function font(tone: Tone): string {
  const { sizePx, bold } = lookOf(tone);
  return `font-size:${sizePx}px${bold ? ";font-weight:600" : ""}`;
}
