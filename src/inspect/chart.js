import { adopt, withoutStyle, writeTitles } from "./chart-picture.js";
import { el, fill } from "./dom.js";
import { iconButton } from "./glyphs.js";
import { isWithin } from "./states.js";
import { takenParts } from "./taken-arcs.js";

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
const overviewScale = 0.38; // below it not even those can be read
const scaleMin = 0.15;
const scaleMax = 2.5;
const moveMs = 320;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** A statechart that can be looked at closely, with its current states lit and the last transition shown. */
export function createChart() {
  const stage = el(
    "div",
    {
      class: "stage",
      tabindex: 0,
      role: "group",
      "aria-label":
        "Statechart. Arrow keys move it, plus and minus zoom, 0 shows all of it, F follows the current state.",
    },
    el("p", { class: "empty" }, "The chart is being drawn …"),
  );
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

  const follow = iconButton("follow", "Follow the current state", () => setFollows(!follows));
  const tools = el(
    "div",
    { class: "chart-tools" },
    iconButton("minus", "Zoom out", () => zoom(1 / 1.25)),
    iconButton("plus", "Zoom in", () => zoom(1.25)),
    iconButton("fit", "Show all of it", fit),
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
    for (const node of drawn.querySelectorAll("[id]")) node.removeAttribute("id"); // a state may be called like a part of the page
    drawn.removeAttribute("width");
    drawn.removeAttribute("height");
    svg = drawn;
    isFar = false;
    fill(stage, drawn);
    askForHeight();
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

  /** No more than the chart takes in this width. */
  function askForHeight() {
    const scale = Math.min(1, viewport().width / size.width);
    const height = size.height * (scale < overviewScale ? 1 : scale);
    stage.style.setProperty("--needed", `${Math.ceil(height) + 48}px`);
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
    if (svg !== undefined) askForHeight();
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
