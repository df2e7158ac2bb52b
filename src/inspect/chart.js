import { el, fill } from "./dom.js";
import { glyph } from "./glyphs.js";
import { hopsOf, isWithin } from "./states.js";

/**
 * @typedef {import("./api.js").MachineDetails} MachineDetails
 * @typedef {import("./api.js").JournalEntryView} JournalEntryView
 * @typedef {{ x: number, y: number, scale: number }} Camera
 * @typedef {object} Shown
 * @property {ReadonlySet<string>} active
 * @property {ReadonlySet<string>} before what was active before the entry
 * @property {JournalEntryView | undefined} entry whose transition is shown
 * @property {boolean} pulses
 */

const readableScale = 0.72; // below it the small letters of a chart cannot be read
const farScale = 0.6; // below it the states' names are written larger
const overviewScale = 0.4; // below it not even those can be read
const farTitleFactor = 1.7; // what the title bar has room for
const titlePx = 15;
const scaleMin = 0.15;
const scaleMax = 2.5;
const moveMs = 320;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** A statechart that can be looked at closely, with its current states lit and the last transition shown. */
export function createChart() {
  const stage = el("div", {
    class: "stage",
    tabindex: 0,
    role: "group",
    "aria-label":
      "Statechart. Arrow keys move it, plus and minus zoom, 0 shows all of it, F follows the current state.",
  });
  /** @type {SVGSVGElement | undefined} */
  let svg;
  /** @type {MachineDetails | undefined} */
  let machine;
  /** @type {Camera} */
  let camera = { x: 0, y: 0, scale: 1 };
  let size = { width: 1, height: 1 };
  let follows = false;
  let isWhole = true;
  let isFar = false;
  /** @type {ReadonlySet<string>} */
  let lit = new Set();
  let frame = 0;

  const follow = button("follow", "Follow the current state", () => setFollows(!follows));
  const tools = el(
    "div",
    { class: "chart-tools" },
    button("minus", "Zoom out", () => zoom(1 / 1.25)),
    button("plus", "Zoom in", () => zoom(1.25)),
    button("fit", "Show all of it", fit),
    follow,
  );
  const element = el("div", { class: "chart" }, stage);
  setFollows(false);

  /** @param {boolean} wanted */
  function setFollows(wanted) {
    follows = wanted;
    follow.setAttribute("aria-pressed", String(wanted));
    if (wanted) look();
  }

  /** @param {string} text */
  function draw(text) {
    const { picture, rules } = withoutStyle(text);
    const root = new DOMParser().parseFromString(picture, "image/svg+xml").documentElement;
    if (root.nodeName !== "svg") throw new Error("the picture is no SVG");
    adopt(rules);
    const drawn = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (document.importNode(root, true)));
    const [, , width = 1, height = 1] = (drawn.getAttribute("viewBox") ?? "").split(" ").map(Number);
    size = { width, height };
    stage.style.setProperty("--needed", `${height + 48}px`);
    for (const node of drawn.querySelectorAll("[id]")) node.removeAttribute("id"); // a state may be called like a part of the page
    drawn.removeAttribute("width");
    drawn.removeAttribute("height");
    svg = drawn;
    isFar = false;
    fill(stage, drawn);
    if (wholeScale() < overviewScale) setFollows(true);
    else fit();
  }

  /** @param {Shown} shown */
  function show({ active, before, entry, pulses }) {
    lit = active;
    if (svg === undefined || machine === undefined) return;
    for (const node of svg.querySelectorAll(".lit, .pulse")) node.classList.remove("lit", "pulse");
    for (const node of svg.querySelectorAll("[data-state]")) {
      if (active.has(node.getAttribute("data-state") ?? "")) node.classList.add("lit");
    }
    const taken =
      entry === undefined || entry.outcome !== "changed" ? [] : takenParts(svg, machine, { active, before, entry });
    for (const part of taken) {
      part.classList.add("lit");
      if (pulses && !calm.matches) part.classList.add("pulse");
    }
    if (follows) look(pulses);
  }

  function viewport() {
    return { width: Math.max(1, stage.clientWidth), height: Math.max(1, stage.clientHeight) };
  }

  /** @param {Camera} next */
  function place(next) {
    camera = next;
    const { width, height } = viewport();
    if (svg !== undefined && isFar !== next.scale < farScale) {
      isFar = !isFar;
      writeTitles(svg, isFar);
    }
    svg?.setAttribute(
      "viewBox",
      [next.x, next.y, width / next.scale, height / next.scale].map((each) => each.toFixed(2)).join(" "),
    );
  }

  /** @param {Camera} target */
  function moveTo(target, isSmooth = true) {
    cancelAnimationFrame(frame);
    if (!isSmooth || calm.matches || document.hidden) return place(target);
    const from = camera;
    const begun = performance.now();
    const go = (/** @type {number} */ time) => {
      const part = Math.min(1, Math.max(0, (time - begun) / moveMs));
      const eased = 1 - (1 - part) ** 3;
      const between = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * eased;
      place({ x: between(from.x, target.x), y: between(from.y, target.y), scale: between(from.scale, target.scale) });
      if (part < 1) frame = requestAnimationFrame(go);
    };
    frame = requestAnimationFrame(go);
  }

  function wholeScale() {
    const { width, height } = viewport();
    return Math.min(width / size.width, height / size.height, 1);
  }

  /** @param {number} x @param {number} y @param {number} scale @returns {Camera} around a point, not further out than needed */
  function around(x, y, scale) {
    const { width, height } = viewport();
    const at = (/** @type {number} */ middle, /** @type {number} */ seen, /** @type {number} */ whole) =>
      seen >= whole ? (whole - seen) / 2 : Math.min(Math.max(0, middle - seen / 2), whole - seen);
    return { x: at(x, width / scale, size.width), y: at(y, height / scale, size.height), scale };
  }

  function fit() {
    setFollowsQuietly(false);
    isWhole = true;
    moveTo(around(size.width / 2, size.height / 2, wholeScale()));
  }

  /** @param {boolean} wanted */
  function setFollowsQuietly(wanted) {
    isWhole = false;
    follows = wanted;
    follow.setAttribute("aria-pressed", String(wanted));
  }

  /** All of it where it can be read so, otherwise what is lit. */
  function look(isSmooth = false) {
    const whole = wholeScale();
    if (svg === undefined) return;
    if (whole >= readableScale) return moveTo(around(size.width / 2, size.height / 2, whole), isSmooth);
    const box = boxOfLit();
    const { width } = viewport();
    const scale = Math.min(
      1,
      Math.max(readableScale, whole, box === undefined ? 0 : Math.min(0.9, width / (box.width + 60))),
    );
    const middle = box ?? { x: 0, y: 0, width: 0, height: 0 };
    moveTo(around(middle.x + middle.width / 2, middle.y + middle.height / 2, scale), isSmooth);
  }

  /** The box of the leading region's innermost lit state. */
  function boxOfLit() {
    if (svg === undefined || machine === undefined) return undefined;
    const { nodes } = machine;
    const leading = nodes.find(({ isLeading }) => isLeading);
    const leaves = nodes.filter(({ id }) => lit.has(id) && !nodes.some(({ parent }) => parent === id));
    const leaf = leaves.find(({ id }) => leading !== undefined && isWithin(nodes, id, leading.id)) ?? leaves[0];
    const drawn = [...svg.querySelectorAll("[data-state]")].find(
      (node) => node.getAttribute("data-state") === leaf?.id,
    );
    return drawn === undefined ? undefined : /** @type {SVGGElement} */ (drawn).getBBox();
  }

  /** @param {number} factor @param {{ x: number, y: number }} [at] in the stage */
  function zoom(factor, at) {
    setFollowsQuietly(false);
    const { width, height } = viewport();
    const point = at ?? { x: width / 2, y: height / 2 };
    const scale = Math.min(scaleMax, Math.max(scaleMin, camera.scale * factor));
    const held = { x: camera.x + point.x / camera.scale, y: camera.y + point.y / camera.scale };
    moveTo({ x: held.x - point.x / scale, y: held.y - point.y / scale, scale }, at === undefined);
  }

  /** @param {number} dx @param {number} dy in pixels */
  function pan(dx, dy) {
    setFollowsQuietly(false);
    cancelAnimationFrame(frame);
    place({ ...camera, x: camera.x - dx / camera.scale, y: camera.y - dy / camera.scale });
  }

  /** Where a pointer is in the stage, whatever lies under it. @param {MouseEvent} event */
  function pointOf(event) {
    const { left, top } = stage.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  /** @type {Map<number, { x: number, y: number }>} */
  const fingers = new Map();
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    fingers.set(event.pointerId, pointOf(event));
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("held");
  });
  stage.addEventListener("pointermove", (event) => {
    const was = fingers.get(event.pointerId);
    if (was === undefined) return;
    const is = pointOf(event);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    fingers.set(event.pointerId, is);
    if (other === undefined) return pan(is.x - was.x, is.y - was.y);
    const apart = (/** @type {{ x: number, y: number }} */ from) =>
      Math.max(1, Math.hypot(from.x - other.x, from.y - other.y));
    zoom(apart(is) / apart(was), { x: (is.x + other.x) / 2, y: (is.y + other.y) / 2 });
  });
  for (const type of ["pointerup", "pointercancel"]) {
    stage.addEventListener(type, (event) => {
      fingers.delete(/** @type {PointerEvent} */ (event).pointerId);
      if (fingers.size === 0) stage.classList.remove("held");
    });
  }
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), pointOf(event));
    },
    { passive: false },
  );
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 240 : 80;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => pan(step, 0),
      ArrowRight: () => pan(-step, 0),
      ArrowUp: () => pan(0, step),
      ArrowDown: () => pan(0, -step),
      "+": () => zoom(1.25),
      "=": () => zoom(1.25),
      "-": () => zoom(1 / 1.25),
      0: fit,
      f: () => setFollows(true),
    };
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  const resized = new ResizeObserver(() => {
    if (follows) look();
    else if (isWhole) fit();
    else place(camera);
  });
  resized.observe(stage);

  return {
    element,
    tools,
    /** @param {MachineDetails} details @param {string} picture */
    load(details, picture) {
      machine = details;
      draw(picture);
    },
    /** @param {string} sentence */
    fail(sentence) {
      fill(stage, el("p", { class: "empty" }, sentence));
    },
    show,
    focus: () => stage.focus(),
    stop: () => resized.disconnect(),
  };
}

/** @param {string} name @param {string} label @param {() => void} act */
function button(name, label, act) {
  return el("button", { type: "button", class: "icon", title: label, "aria-label": label, onclick: act }, glyph(name));
}

/**
 * The names of the states, larger when they are seen from far, as far as their bars have room.
 *
 * @param {Element} drawn
 * @param {boolean} isFar
 */
function writeTitles(drawn, isFar) {
  for (const state of drawn.querySelectorAll("[data-state]")) {
    const box = state.querySelector(":scope > rect.box");
    const title = /** @type {SVGTextElement | null} */ (state.querySelector(":scope > text.title"));
    if (box === null || title === null) continue;
    const own = Number(title.dataset["length"] ?? title.getAttribute("textLength"));
    title.dataset["length"] = String(own);
    const room = Number(box.getAttribute("width")) - 44;
    const factor = isFar ? Math.min(farTitleFactor, Math.max(1, room / own)) : 1;
    title.setAttribute("textLength", String(own * factor));
    title.style.fontSize = factor === 1 ? "" : `${titlePx * factor}px`;
    title.style.transform = factor === 1 ? "" : `translateY(${(factor - 1) * 5}px)`; // it stays within its bar
  }
}

/** @type {CSSStyleSheet | undefined} */
let adopted;

/**
 * A picture and its rules apart: a strict policy blocks a style within the page, and a parser counts as one. The text of a
 * picture is escaped, so that the first of these marks is the style's own.
 *
 * @param {string} text
 */
function withoutStyle(text) {
  const [begin, end] = ["<style>", "</style>"];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) return { picture: text, rules: "" };
  return { picture: text.slice(0, from) + text.slice(to + end.length), rules: text.slice(from + begin.length, to) };
}

/**
 * Takes a picture's rules as a sheet of the page, with the page's colours in the place of its own.
 *
 * @param {string} rules
 */
function adopt(rules) {
  if (adopted === undefined) {
    adopted = new CSSStyleSheet();
    document.adoptedStyleSheets = [adopted, ...document.adoptedStyleSheets];
  }
  adopted.replaceSync(rules);
  for (let index = adopted.cssRules.length - 1; index >= 0; index -= 1) {
    const rule = adopted.cssRules[index];
    if (rule instanceof CSSMediaRule) adopted.deleteRule(index);
    else if (rule instanceof CSSStyleRule)
      for (const name of Array.from(rule.style)) if (name.startsWith("--")) rule.style.removeProperty(name);
  }
}

/**
 * The arcs that an entry's macrostep went along.
 *
 * @param {Element} drawn
 * @param {MachineDetails} machine
 * @param {{ active: ReadonlySet<string>, before: ReadonlySet<string>, entry: JournalEntryView }} taken
 * @returns {Element[]}
 */
function takenParts(drawn, { nodes }, { active, before, entry }) {
  const type = entry.event?.type;
  if (type === undefined) return [];
  const tracks = [...drawn.querySelectorAll(".track")].map((element) => ({
    element,
    from: element.getAttribute("data-from") ?? "",
    to: element.getAttribute("data-to") ?? "",
    events: (element.getAttribute("data-event") ?? "").split(" "),
  }));
  const within = (/** @type {string} */ id, /** @type {string} */ of) => isWithin(nodes, id, of);
  const hops = hopsOf(nodes, entry);
  const along = hops.flatMap(([from, to], index) => {
    const fits = tracks.filter(
      (track) => (within(track.from, from) || within(from, track.from)) && within(track.to, to),
    );
    const cause = index === 0 ? type : "always";
    const caused = fits.filter(({ events }) => events.includes(cause));
    return caused.length > 0 ? caused : fits.slice(0, 1);
  });
  const beside = tracks.filter(({ from, to, events }) => {
    const isOwn = events.includes(type) || events.includes("always");
    return isOwn && before.has(from) && !before.has(to) && active.has(to);
  });
  const stayed =
    along.length + beside.length > 0
      ? []
      : tracks.filter(({ from, to, events }) => events.includes(type) && before.has(from) && active.has(to));
  const parts = [...along, ...beside, ...stayed].map(({ element }) => element);
  const lines = parts.flatMap((part) =>
    linesOf(part, (event) => event === type || (event === "always" && !hasLine(part, type))),
  );
  if (parts.length > 0) return [...parts, ...lines];
  return [...drawn.querySelectorAll("[data-state]")].flatMap((state) => {
    if (!before.has(state.getAttribute("data-state") ?? "")) return [];
    return linesOf(state, (event) => event === type).slice(0, 1);
  });
}

/** What is written of an event in a state or beside an arc. @param {Element} part @param {(event: string) => boolean} isMeant */
function linesOf(part, isMeant) {
  return [...part.querySelectorAll("[data-event]")].filter((line) => isMeant(line.getAttribute("data-event") ?? ""));
}

/** @param {Element} part @param {string} type */
function hasLine(part, type) {
  return linesOf(part, (event) => event === type).length > 0;
}
