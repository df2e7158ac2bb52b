import { sentenceOf } from "./api.js";
import { el, fill, said, unseen } from "./dom.js";
import { follow } from "./event-stream.js";
import { glyph, lampOf } from "./glyphs.js";
import { addressOf, placeOfInstance } from "./places.js";
import { now, timeOf } from "./times.js";

/**
 * @typedef {import("./api.js").InstanceView} InstanceView
 * @typedef {import("./api.js").AttentionView} AttentionView
 * @typedef {AttentionView["items"][number]} AttentionItem
 * @typedef {AttentionItem["reasons"][number]} AttentionReason
 */

const pageSize = 50;
const refreshEveryMs = 1_000; // a burst of events is read once
const typingMs = 250;

/** @type {Readonly<Record<AttentionReason["kind"], { sign: string, word: string, one: string, many: string }>>} */
const kinds = {
  "dead-letter": { sign: "dead-letter", word: "Dead letter", one: "dead letter", many: "dead letters" },
  overdue: { sign: "overdue", word: "Overdue", one: "overdue", many: "overdue" },
  refused: { sign: "refused", word: "Refused", one: "refused lately", many: "refused lately" },
  person: { sign: "person", word: "Waits for a person", one: "waits for a person", many: "wait for a person" },
};

/**
 * What needs somebody first, then all instances.
 *
 * @param {import("./inspect.js").Page & { filters: URLSearchParams }} given
 * @returns {import("./inspect.js").View}
 */
export function createListView({ filters, api, announce, go, onConnection, setTitle }) {
  setTitle("Instances");
  const gone = new AbortController();
  const attention = el("div", { "aria-busy": "true" }, el("p", { class: "quiet" }, "Looking …"));
  const results = el("div", { "aria-busy": "true" }, el("p", { class: "quiet" }, "Reading …"));
  const count = el("p", { class: "quiet summary" });

  const machineSelect = el("select", { id: "filter-machine" }, el("option", { value: "" }, "every machine"));
  const stateSelect = el("select", { id: "filter-state" }, el("option", { value: "" }, "every state"));
  const text = el("input", {
    type: "search",
    id: "filter-text",
    placeholder: "a part of the id",
    autocomplete: "off",
    spellcheck: "false",
  });
  const label = el("p", { class: "active-label", hidden: true });
  const form = el(
    "form",
    { class: "filters", role: "search", "aria-label": "Filter the instances" },
    el("div", { class: "field" }, el("label", { for: "filter-machine" }, "Machine"), machineSelect),
    el("div", { class: "field" }, el("label", { for: "filter-state" }, "State"), stateSelect),
    el("div", { class: "field grow" }, el("label", { for: "filter-text" }, "Id contains"), text),
    label,
  );
  const element = el(
    "div",
    { class: "list-view" },
    el("h1", { class: "unseen" }, "Instances"),
    el(
      "section",
      { class: "panel attention", "aria-labelledby": "attention-title" },
      el("div", { class: "panel-head" }, el("h2", { id: "attention-title" }, "Needs attention"), count),
      attention,
    ),
    el(
      "section",
      { class: "panel all", "aria-labelledby": "all-title" },
      el("div", { class: "panel-head" }, el("h2", { id: "all-title" }, "All instances")),
      form,
      results,
    ),
  );

  /** @type {import("./api.js").MachineSummary[]} */
  let machines = [];
  let shown = { attention: "", page: "" };
  let generation = 0;
  let dueAt = Number.POSITIVE_INFINITY;

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

  machineSelect.addEventListener("change", () => filter({ machine: machineSelect.value, state: "" }));
  stateSelect.addEventListener("change", () => filter({ state: stateSelect.value }));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  text.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => filter({ text: text.value }), typingMs);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    filter({ text: text.value });
  });

  async function begin() {
    try {
      ({ items: machines } = await api.machines());
      fill(
        machineSelect,
        el("option", { value: "" }, "every machine"),
        ...machines.map(({ name }) => el("option", { value: name }, name)),
      );
    } catch {
      // the list itself says what is wrong
    }
    await showFilters();
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
  /** @type {import("./event-stream.js").Follower | undefined} */
  let follower;

  async function showFilters() {
    const machine = filters.get("machine") ?? "";
    if (machine !== "" && !machines.some(({ name }) => name === machine))
      machineSelect.append(el("option", { value: machine }, machine));
    machineSelect.value = machine;
    if (document.activeElement !== text) text.value = filters.get("text") ?? "";
    const state = filters.get("state") ?? "";
    const states = machine === "" ? [] : await statesOf(machine);
    const names = state !== "" && !states.includes(state) ? [...states, state] : states;
    fill(
      stateSelect,
      el("option", { value: "" }, "every state"),
      ...names.map((name) => el("option", { value: name }, name)),
    );
    stateSelect.value = state;
    stateSelect.disabled = names.length === 0;
    const wanted = filters.get("label");
    label.hidden = wanted === null;
    if (wanted !== null) {
      fill(
        label,
        "with the label ",
        said(wanted, { class: "tag" }),
        el("button", { type: "button", class: "small", onclick: () => filter({ label: "" }) }, "Take away"),
      );
    }
  }

  /** Of the leading region. @param {string} machine */
  async function statesOf(machine) {
    try {
      const { nodes } = await api.machine(machine);
      const leading = nodes.find(({ isLeading }) => isLeading);
      return nodes.filter(({ parent, kind }) => parent === leading?.id && kind !== "history").map(({ name }) => name);
    } catch {
      return [];
    }
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
    const [needs, page] = await Promise.allSettled([api.attention(), readPage()]);
    if (gone.signal.aborted || mine !== generation) return;
    if (needs.status === "fulfilled") showAttention(needs.value);
    else showFault(attention, needs.reason);
    if (page.status === "fulfilled") showPage(page.value);
    else showFault(results, page.reason);
  }

  function readPage() {
    const query = new URLSearchParams(filters);
    query.set("limit", String(pageSize));
    return api.instances(query);
  }

  /** @param {HTMLElement} part @param {unknown} error */
  function showFault(part, error) {
    part.removeAttribute("aria-busy");
    shown = { attention: "", page: "" };
    fill(
      part,
      el(
        "div",
        { class: "empty" },
        el("p", { role: "alert" }, said(sentenceOf(error))),
        el("button", { type: "button", onclick: () => void refresh() }, "Try again"),
      ),
    );
  }

  /** @param {AttentionView} needs */
  function showAttention(needs) {
    attention.removeAttribute("aria-busy");
    dueAt = nextDue(needs, now());
    const signature = JSON.stringify(needs);
    if (signature === shown.attention) return;
    if (shown.attention !== "")
      announce(needs.items.length === 0 ? "Nothing needs attention any more" : `${needs.items.length} need attention`);
    shown.attention = signature;
    const { items, isComplete } = needs;
    const totals = Object.entries(kinds).map(([kind, { one, many }]) => {
      const total = items.filter(({ reasons }) => reasons.some((each) => each.kind === kind)).length;
      return total === 0 ? undefined : `${total} ${total === 1 ? one : many}`;
    });
    fill(count, totals.filter(Boolean).join(" · "));
    keepingFocus(attention, () =>
      fill(
        attention,
        items.length === 0
          ? el(
              "div",
              { class: "empty clear" },
              glyph("steady"),
              el("p", {}, "All clear. Nothing is stuck, late or waiting for a person."),
            )
          : el("ul", { class: "attention-list" }, ...items.map(attentionItem)),
        !isComplete &&
          el(
            "p",
            { class: "quiet end" },
            "There is more than can be looked through at once; filter the list below to find the rest.",
          ),
      ),
    );
  }

  /** @param {{ items: InstanceView[], nextCursor: string | null }} page */
  function showPage(page) {
    results.removeAttribute("aria-busy");
    const signature = JSON.stringify([page, [...filters]]);
    if (signature === shown.page) return;
    shown.page = signature;
    keepingFocus(results, () =>
      fill(results, page.items.length === 0 ? nothing() : instanceTable(page.items), pager(page.nextCursor)),
    );
  }

  function nothing() {
    if (filters.size > 0) {
      return el(
        "div",
        { class: "empty" },
        el("p", {}, "No instance is like that."),
        el("a", { href: addressOf({ view: "list", filters: new URLSearchParams() }) }, "Show all of them"),
      );
    }
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

  /** @param {string | null} nextCursor */
  function pager(nextCursor) {
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

  const clock = setInterval(() => {
    if (now() < dueAt || document.hidden) return;
    dueAt = Number.POSITIVE_INFINITY;
    soon(); // a deadline has passed: nothing is written when it does
  }, 1_000);

  void begin();

  return {
    element,
    keys: [{ key: "/", does: "go to the search", act: () => text.focus() }],
    visit(place) {
      if (place.view !== "list") return false;
      filters = place.filters;
      void showFilters();
      void refresh();
      return true;
    },
    stop() {
      gone.abort();
      clearTimeout(waiting);
      clearTimeout(typing);
      clearInterval(clock);
      follower?.stop();
    },
  };
}

/** When the next deadline among those that were looked at passes. @param {AttentionView} needs @param {number} from */
function nextDue({ nextDueAt }, from) {
  const at = nextDueAt === null ? Number.POSITIVE_INFINITY : Date.parse(nextDueAt);
  return at > from ? at : Number.POSITIVE_INFINITY;
}

/** @param {AttentionItem} item */
function attentionItem({ id, machine, state, reasons }) {
  return el(
    "li",
    { class: `needs is-${reasons[0]?.kind ?? "person"}` },
    el("a", { class: "id", href: addressOf(placeOfInstance(id)) }, said(id)),
    el(
      "span",
      { class: "in" },
      said(state, { class: "state-name" }),
      el("span", { class: "quiet machine" }, said(machine)),
    ),
    el(
      "ul",
      { class: "why" },
      ...reasons.map(({ kind, detail, since }) =>
        el(
          "li",
          {},
          glyph(kinds[kind].sign),
          el("span", { class: "why-words" }, el("strong", {}, `${kinds[kind].word}: `), said(detail)),
          el("span", { class: "quiet since" }, timeOf(since, "ago")),
        ),
      ),
    ),
  );
}

/** @param {readonly InstanceView[]} items */
function instanceTable(items) {
  return el(
    "table",
    { class: "instances", role: "table" },
    el(
      "thead",
      { role: "rowgroup" },
      el(
        "tr",
        { role: "row" },
        ...["State", "Instance", "Waits for", "Since", "Until"].map((name) =>
          el("th", { scope: "col", role: "columnheader" }, name),
        ),
      ),
    ),
    el("tbody", { role: "rowgroup" }, ...items.map(instanceRow)),
  );
}

/** @param {InstanceView} item */
function instanceRow(item) {
  const { id, machine, state, labels, waitingFor, since, deadline, status } = item;
  const lamp = lampOf(item);
  const [wait] = waitingFor;
  const isOverdue = wait?.overdue ?? false;
  const until = wait?.until ?? deadline;
  return el(
    "tr",
    { role: "row", class: `is-${lamp}` },
    el(
      "td",
      { role: "cell", class: "cell-state" },
      glyph(lamp),
      " ",
      said(state, { class: "state-name" }),
      status !== "active" && unseen(`, ${status}`),
    ),
    el(
      "td",
      { role: "cell", class: "cell-id" },
      el("a", { href: addressOf(placeOfInstance(id)) }, said(id)),
      el("span", { class: "quiet machine" }, said(machine)),
      ...Object.entries(labels)
        .slice(0, 4)
        .map(([name, value]) => el("span", { class: "label" }, said(`${name}: ${value}`))),
    ),
    el(
      "td",
      { role: "cell", class: "cell-wait" },
      wait === undefined ? el("span", { class: "quiet" }, status === "active" ? "" : "ended") : said(wait.what),
    ),
    el("td", { role: "cell", class: "cell-since quiet" }, timeOf(since, "ago")),
    el(
      "td",
      { role: "cell", class: isOverdue ? "cell-until is-overdue" : "cell-until quiet" },
      ...(until === null || until === undefined
        ? [unseen("no deadline")]
        : [isOverdue && glyph("overdue"), timeOf(until, "until")]),
    ),
  );
}

/** What is drawn anew keeps the focus where it was. @param {HTMLElement} part @param {() => void} draw */
function keepingFocus(part, draw) {
  const active = document.activeElement;
  const href = active instanceof HTMLAnchorElement && part.contains(active) ? active.getAttribute("href") : null;
  draw();
  if (href === null) return;
  const again = [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === href);
  again?.focus({ preventScroll: true });
}
