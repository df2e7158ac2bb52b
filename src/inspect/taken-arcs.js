import { hopsOf, isWithin } from "./states.js";

/**
 * @typedef {import("./api.js").MachineDetails} MachineDetails
 * @typedef {import("./api.js").JournalEntryView} JournalEntryView
 */

/**
 * The arcs that an entry's macrostep went along.
 *
 * @param {Element} drawn
 * @param {MachineDetails} machine
 * @param {{ active: ReadonlySet<string>, before: ReadonlySet<string>, entry: JournalEntryView }} taken
 * @returns {Element[]}
 */
export function takenParts(drawn, { nodes }, { active, before, entry }) {
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
