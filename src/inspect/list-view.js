import { createAttentionPanel } from "./attention-panel.js";
import { el, fill, keepingFocus } from "./dom.js";
import { follow } from "./event-stream.js";
import { faultBox } from "./fault-box.js";
import { groupedTable, instanceTable } from "./instance-table.js";
import { createFilters } from "./list-filters.js";
import { addressOf } from "./places.js";

/**
 * @typedef {import("./api.js").InstanceView} InstanceView
 * @typedef {import("./api.js").OverviewView} OverviewView
 */

const pageSize = 50;
const refreshEveryMs = 1_000; // a burst of events is read once

/**
 * What needs somebody first; then some of each machine, or all that are like the filters.
 *
 * @param {import("./inspect.js").Page & { filters: URLSearchParams }} given
 * @returns {import("./inspect.js").View}
 */
export function createListView({ filters, api, announce, go, onConnection, setTitle }) {
  setTitle("Instances");
  const gone = new AbortController();
  const attention = createAttentionPanel({ announce });
  const form = createFilters({ api, onFilter: filter });
  const results = el("div", { "aria-busy": "true" }, el("p", { class: "quiet" }, "Reading …"));
  const element = el(
    "div",
    { class: "list-view" },
    el("h1", { class: "unseen" }, "Instances"),
    attention.element,
    el(
      "section",
      { class: "panel all", "aria-labelledby": "all-title" },
      el("div", { class: "panel-head" }, el("h2", { id: "all-title" }, "Instances")),
      form.element,
      results,
    ),
  );

  /** @type {import("./api.js").MachineSummary[]} */
  let machines = [];
  let shownText = "";
  let generation = 0;
  /** @type {import("./event-stream.js").Follower | undefined} */
  let follower;

  /** @param {Record<string, string>} changed */
  function filter(changed) {
    const next = new URLSearchParams(filters);
    next.delete("cursor");
    for (const [name, value] of Object.entries(changed)) {
      if (value === "") next.delete(name);
      else next.set(name, value);
    }
    go({ view: "list", filters: next }, { replaces: true });
  }

  async function begin() {
    try {
      ({ items: machines } = await api.machines());
      form.know(machines);
    } catch {
      // the list itself says what is wrong
    }
    await form.show(filters);
    await refresh();
    if (gone.signal.aborted) return;
    follower = follow({
      after: undefined,
      open: (headers, signal) => api.open("v1/journal/stream", { headers, signal }),
      onEvent: () => soon(),
      onConnection(connection) {
        onConnection(connection, () => follower?.retryNow());
        if (connection === "live") soon();
      },
      onRefusal: async (response) => {
        if (response.status !== 400) return true;
        follower?.stop();
        void begin(); // another journal than the one that was followed
        return false;
      },
    });
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let lastAt = 0;
  function soon() {
    if (waiting !== undefined) return;
    waiting = setTimeout(
      () => {
        waiting = undefined;
        void refresh();
      },
      Math.max(0, lastAt + refreshEveryMs - performance.now()),
    );
  }

  async function refresh() {
    lastAt = performance.now();
    generation += 1;
    const mine = generation;
    const [needs, page] = await Promise.allSettled([api.attention(), filters.size === 0 ? api.overview() : readPage()]);
    if (gone.signal.aborted || mine !== generation) return;
    if (needs.status === "fulfilled") attention.show(needs.value);
    else attention.fail(needs.reason, () => void refresh());
    if (page.status === "fulfilled") showResults(page.value);
    else showFault(page.reason);
  }

  function readPage() {
    const query = new URLSearchParams(filters);
    query.set("limit", String(pageSize));
    return api.instances(query);
  }

  /** @param {unknown} error */
  function showFault(error) {
    results.removeAttribute("aria-busy");
    shownText = "";
    fill(
      results,
      faultBox(error, () => void refresh()),
    );
  }

  /** @param {OverviewView | { items: InstanceView[], nextCursor: string | null }} found */
  function showResults(found) {
    results.removeAttribute("aria-busy");
    const text = JSON.stringify([found, [...filters]]);
    if (text === shownText) return;
    shownText = text;
    keepingFocus(results, () => {
      if (found.items.length === 0) fill(results, filters.size > 0 ? nothingLikeThat() : nothingYet(machines));
      else if ("nextCursor" in found) fill(results, instanceTable(found.items), pager(filters, found.nextCursor));
      else fill(results, groupedTable(found.items));
    });
  }

  const clock = setInterval(() => {
    if (!document.hidden && attention.isDue()) soon();
  }, 1_000);

  void begin();

  return {
    element,
    keys: [{ key: "/", does: "go to the search", act: () => form.focus() }],
    visit(place) {
      if (place.view !== "list") return false;
      filters = place.filters;
      void form.show(filters);
      void refresh();
      return true;
    },
    stop() {
      gone.abort();
      clearTimeout(waiting);
      clearInterval(clock);
      form.stop();
      follower?.stop();
    },
  };
}

function nothingLikeThat() {
  return el(
    "div",
    { class: "empty" },
    el("p", {}, "No instance is like that."),
    el("a", { href: addressOf({ view: "list", filters: new URLSearchParams() }) }, "Show all of them"),
  );
}

/** @param {readonly import("./api.js").MachineSummary[]} machines */
function nothingYet(machines) {
  const [first] = machines;
  return el(
    "div",
    { class: "empty" },
    el("p", { class: "empty-title" }, "There are no instances yet."),
    el(
      "p",
      {},
      "Make one by the command line or over HTTP; it appears here at once. ",
      machines.length > 0 && `Machines that run here: ${machines.map(({ name }) => name).join(", ")}.`,
    ),
    first !== undefined &&
      el(
        "pre",
        {},
        `curl -X POST ${new URL("v1/instances", document.baseURI).href} \\\n  -H 'Content-Type: application/json' \\\n  -d '{ "machine": "${first.name}", "id": "first", "input": { … } }'`,
      ),
  );
}

/** @param {URLSearchParams} filters @param {string | null} nextCursor */
function pager(filters, nextCursor) {
  const isFirst = !filters.has("cursor");
  if (isFirst && nextCursor === null) return null;
  const at = (/** @type {string | null} */ cursor) => {
    const next = new URLSearchParams(filters);
    if (cursor === null) next.delete("cursor");
    else next.set("cursor", cursor);
    return addressOf({ view: "list", filters: next });
  };
  return el(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    !isFirst && el("a", { href: at(null), class: "button" }, "First page"),
    nextCursor !== null && el("a", { href: at(nextCursor), class: "button", rel: "next" }, "Next page"),
  );
}
