import { createApi } from "./api.js";
import { askForToken } from "./dialogs.js";
import { el, fill } from "./dom.js";
import { glyph } from "./glyphs.js";
import { createInstanceView } from "./instance-view.js";
import { createKeys } from "./keys.js";
import { createListView } from "./list-view.js";
import { addressOf, placeIn } from "./places.js";
import { applyTheme, isDark, switchTheme } from "./theme.js";
import { clockText, currentZone, now, refreshTimes, switchZone } from "./times.js";

/**
 * @typedef {import("./places.js").Place} Place
 *
 * @typedef {object} Page what a view may use
 * @property {import("./api.js").Api} api
 * @property {(text: string) => void} announce for ears
 * @property {(place: Place, options?: { replaces?: boolean }) => void} go
 * @property {(connection: "connecting" | "live" | "lost" | "paused" | "none", retryNow: () => void) => void} onConnection none: there is nothing to follow
 * @property {(title: string) => void} setTitle
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {readonly import("./keys.js").Shortcut[]} keys
 * @property {(place: Place) => boolean} visit false: another view has to
 * @property {() => void} stop
 */

applyTheme();

const api = createApi({ askForToken });
const main = found("main");
const ears = found("ears");
const banner = found("banner");
const lamp = found("connection");
const zoneButton = found("zone");
const themeButton = found("theme");

/** @param {string} id */
function found(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** @type {View | undefined} */
let view;
const keys = createKeys([
  { key: "l", does: "to all instances", act: () => go({ view: "list", filters: new URLSearchParams() }) },
  { key: "t", does: "dark or light", act: () => themeButton.click() },
  { key: "u", does: "local time or UTC", act: () => zoneButton.click() },
  { key: "?", does: "show these keys", act: () => keys.help() },
]);

/** @param {Place} place @param {{ replaces?: boolean }} [options] */
function go(place, { replaces = false } = {}) {
  const address = addressOf(place);
  if (replaces) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  if (view?.visit(place) !== true) open(place);
}

/** @param {Place} place */
function open(place) {
  view?.stop();
  onConnection("connecting", () => undefined);
  /** @type {Page} */
  const page = { api, announce, go, onConnection, setTitle };
  view =
    place.view === "instance"
      ? createInstanceView({ ...page, id: place.id, at: place.at })
      : createListView({ ...page, filters: place.filters });
  keys.setView(view.keys);
  fill(main, view.element);
  scrollTo(0, 0);
}

/** @param {string} title */
function setTitle(title) {
  document.title = `${title.slice(0, 200)} · Signalbox`;
}

/** @param {string} text */
function announce(text) {
  fill(ears, text.slice(0, 300));
}

let lostAt = 0;

/** @type {Page["onConnection"]} */
function onConnection(connection, retryNow) {
  const words = { connecting: "connecting", live: "live", lost: "lost", paused: "paused", none: "" };
  lamp.className = `connection is-${connection}`;
  fill(lamp, el("span", { class: "connection-lamp", "aria-hidden": "true" }), words[connection]);
  lamp.hidden = connection === "none";
  if (connection === "live" || connection === "none") {
    if (!banner.hidden && connection === "live") announce("The connection is back, and all of it is up to date.");
    lostAt = 0;
    banner.hidden = true;
    fill(banner);
    return;
  }
  if (connection !== "lost") return;
  if (lostAt === 0) {
    lostAt = now();
    fill(
      banner,
      glyph("attention"),
      el(
        "p",
        {},
        `The connection is lost. What you see is of ${clockText(lostAt)}; it is tried again, and nothing will be missing then.`,
      ),
      el("button", { type: "button", onclick: retryNow }, "Try now"),
    );
  }
  banner.hidden = false;
}

function showSwitches() {
  fill(themeButton, glyph(isDark() ? "sun" : "moon"));
  themeButton.setAttribute("aria-label", isDark() ? "Light colours" : "Dark colours");
  themeButton.title = isDark() ? "Light colours" : "Dark colours";
  fill(zoneButton, currentZone() === "utc" ? "UTC" : "Local");
  zoneButton.setAttribute(
    "aria-label",
    currentZone() === "utc" ? "Times are in UTC; show local time" : "Times are local; show UTC",
  );
}

themeButton.addEventListener("click", () => {
  switchTheme();
  showSwitches();
});
zoneButton.addEventListener("click", () => {
  switchZone();
  showSwitches();
});
found("help").addEventListener("click", () => keys.help());
found("home").addEventListener("click", onLink);
main.addEventListener("click", onLink);

/** Links within the page are followed without loading it anew. @param {MouseEvent} event */
function onLink(event) {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || link.origin !== location.origin || link.pathname !== location.pathname || link.hash !== "")
    return;
  event.preventDefault();
  go(placeIn(link.search));
  main.focus({ preventScroll: true });
}

addEventListener("popstate", () => {
  const place = placeIn(location.search);
  if (view?.visit(place) !== true) open(place);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showSwitches);

const tickMs = 1_000; // times are told to the second
setInterval(() => {
  if (!document.hidden) refreshTimes();
}, tickMs);

showSwitches();
open(placeIn(location.search));
