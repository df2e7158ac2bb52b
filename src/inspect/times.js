import { el } from "./dom.js";

/** Times of the server, as a person reads them. `now` follows the server's clock, not that of the browser's machine. */

let aheadMs = 0;
let zone = readZone();

const skewShownMs = 2_000; // the header counts whole seconds

/**
 * Learns the server's clock from an answer.
 *
 * @param {Response} response
 */
export function learnClock(response) {
  const at = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(at)) return;
  const offMs = at - Date.now();
  aheadMs = Math.abs(offMs) > skewShownMs ? offMs : 0;
}

export function now() {
  return Date.now() + aheadMs;
}

function readZone() {
  try {
    return localStorage.getItem("signalbox.zone") === "utc" ? "utc" : "local";
  } catch {
    return "local"; // storage may be switched off
  }
}

export function currentZone() {
  return zone;
}

/** Between the zone of the reader and UTC. */
export function switchZone() {
  zone = zone === "utc" ? "local" : "utc";
  try {
    localStorage.setItem("signalbox.zone", zone);
  } catch {
    // it lasts for this page only
  }
  refreshTimes();
}

/**
 * @param {number} ms
 * @param {{ withDate?: boolean }} [options]
 */
export function clockText(ms, { withDate = false } = {}) {
  const isUtc = zone === "utc";
  const shifted = new Date(isUtc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
  if (Number.isNaN(shifted.getTime())) return "no time";
  const [date, time] = /** @type {[string, string]} */ (shifted.toISOString().slice(0, 19).split("T"));
  const isToday = Math.abs(now() - ms) < 43_200_000;
  const text = withDate || !isToday ? `${date} ${time}` : time;
  return isUtc ? `${text} UTC` : text;
}

const units = /** @type {const} */ ([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
]);

/**
 * Two units at most: `3 min 12 s`.
 *
 * @param {number} ms
 */
export function durationText(ms) {
  const total = Math.max(0, Math.floor(ms / 1_000)) * 1_000;
  const first = units.findIndex(([, unitMs]) => total >= unitMs);
  if (first < 0) return "0 s";
  let restMs = total;
  const parts = [];
  for (const [name, unitMs] of units.slice(first, first + 2)) {
    const count = Math.floor(restMs / unitMs);
    restMs -= count * unitMs;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.join(" ");
}

const durations = Object.fromEntries([...units, ["m", 60_000], ["ms", 1]]);

/** Milliseconds of `1 h 30 min`, `90s` or a bare number of them; undefined for anything else. @param {string} text */
export function durationIn(text) {
  if (/^\d+$/.test(text)) return Number(text);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(d|h|min|ms|m|s)\s*/gy)];
  if (text === "" || parts.map(([whole]) => whole).join("") !== text) return undefined;
  return Math.round(parts.reduce((sum, [, count, unit]) => sum + Number(count) * (durations[unit ?? ""] ?? 0), 0));
}

/**
 * Epoch milliseconds of `2030-01-31 18:00` in the zone that the page shows, of a time that says its own, or a bare number of
 * them; undefined for anything else.
 *
 * @param {string} text
 */
export function timeIn(text) {
  if (/^\d+$/.test(text)) return Number(text);
  const [, day, time, offset] =
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|UTC|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  if (day === undefined) return undefined;
  const ms = Date.parse(`${day}T${time}${(offset ?? (zone === "utc" ? "Z" : "")).replace("UTC", "Z")}`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** @typedef {"clock" | "full" | "ago" | "for" | "until"} TimeForm */

/**
 * @param {number} ms
 * @param {TimeForm} form
 */
function formText(ms, form) {
  switch (form) {
    case "clock":
      return clockText(ms);
    case "full":
      return clockText(ms, { withDate: true });
    case "for":
      return durationText(now() - ms);
    case "ago":
      return now() - ms < 1_000 ? "just now" : `${durationText(now() - ms)} ago`;
    default:
      return ms >= now() ? `in ${durationText(ms - now() + 999)}` : `${durationText(now() - ms)} over`;
  }
}

/**
 * A time that goes on by itself; the other zone and the date are in its title.
 *
 * @param {string | number} at
 * @param {TimeForm} form
 */
export function timeOf(at, form) {
  const ms = typeof at === "number" ? at : Date.parse(at);
  const time = el("time", { "data-ms": ms, "data-form": form });
  const iso = new Date(ms);
  if (!Number.isNaN(iso.getTime())) time.dateTime = iso.toISOString();
  showTime(time);
  return time;
}

/** @param {HTMLTimeElement} time */
function showTime(time) {
  const ms = Number(time.dataset["ms"]);
  const text = formText(ms, /** @type {TimeForm} */ (time.dataset["form"]));
  if (time.textContent !== text) time.textContent = text;
  const title = clockText(ms, { withDate: true });
  if (time.title !== title) time.title = title;
}

export function refreshTimes() {
  for (const time of document.querySelectorAll("time")) showTime(time);
}
