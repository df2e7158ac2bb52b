/**
 * Where the reader is, as the address has it: `?id=` is one instance (and `&at=` a moment of it), anything else the list.
 *
 * @typedef {{ view: "instance", id: string, at: number | null }} InstancePlace
 * @typedef {{ view: "list", filters: URLSearchParams }} ListPlace
 * @typedef {InstancePlace | ListPlace} Place
 */

const filterNames = ["machine", "state", "text", "label", "cursor"];

/** @param {string} search @returns {Place} */
export function placeIn(search) {
  const given = new URLSearchParams(search);
  const id = given.get("id");
  if (id !== null && id !== "") {
    const at = Number(given.get("at") ?? "");
    return { view: "instance", id, at: Number.isSafeInteger(at) && at > 0 ? at : null };
  }
  const filters = new URLSearchParams();
  for (const name of filterNames) {
    const value = given.get(name);
    if (value !== null && value !== "") filters.set(name, value);
  }
  return { view: "list", filters };
}

/** The address of a place, relative to the page. @param {Place} place */
export function addressOf(place) {
  if (place.view === "list") return place.filters.size === 0 ? location.pathname : `?${place.filters}`;
  const query = new URLSearchParams({ id: place.id });
  if (place.at !== null) query.set("at", String(place.at));
  return `?${query}`;
}

/** @param {string} id @returns {InstancePlace} */
export function placeOfInstance(id) {
  return { view: "instance", id, at: null };
}
