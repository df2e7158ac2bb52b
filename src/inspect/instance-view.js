import { Problem, sentenceOf } from "./api.js";
import { calmly } from "./calm-announcer.js";
import { createChart } from "./chart.js";
import { createContextPanel } from "./context-panel.js";
import { el, fill, said } from "./dom.js";
import { createEventPanel } from "./event-panel.js";
import { follow } from "./event-stream.js";
import { otherToken } from "./fault-box.js";
import { glyph } from "./glyphs.js";
import { instanceBoard } from "./instance-board.js";
import { instanceHead } from "./instance-head.js";
import { createJournalPanel } from "./journal-panel.js";
import { outline } from "./outline.js";
import { createPendingPanel } from "./pending-panel.js";
import { addressOf } from "./places.js";
import { reasonList } from "./reasons.js";
import { activeIds } from "./states.js";
import { createTimeline } from "./timeline.js";
import { waitList } from "./wait-list.js";

/**
 * @typedef {import("./api.js").InstanceView} InstanceView
 * @typedef {import("./api.js").JournalEntryView} JournalEntryView
 * @typedef {import("./api.js").MomentView} MomentView
 * @typedef {import("./api.js").MachineDetails} MachineDetails
 */

const entriesAtOnce = 200;
const momentsKept = 300; // of the slider's way, so that going back and forth asks once

/**
 * One instance: its chart, what it waits for and hears, what is to happen, what happened, and every moment of it.
 *
 * @param {import("./inspect.js").Page & { id: string, at: number | null }} given
 * @returns {import("./inspect.js").View}
 */
export function createInstanceView({ id, at, api, announce, go, onConnection, setTitle }) {
  const element = el("div", { class: "instance" });
  const loading = el("p", { class: "empty", role: "status" }, "Reading ", said(id), " …");
  fill(element, loading);

  const gone = new AbortController();
  const chart = createChart();
  const outlinePart = el("div", { class: "outline-part", hidden: true });
  const waits = el("div", { class: "waits" });
  const context = createContextPanel();
  const head = el("header", { class: "instance-head" });
  const problem = el("div", { class: "problem", role: "alert", hidden: true });
  const then = el("div", { hidden: true });
  const announceCalmly = calmly(announce);

  const timeline = createTimeline({ onMove: (seq) => void travel(seq) });
  const journal = createJournalPanel({
    onOlder: () => void loadOlder(),
    onChoose: (seq) => void travel(seq === entries.at(-1)?.seq ? null : seq),
    linkTo: (seq) => addressOf({ view: "instance", id, at: seq }),
  });
  const events = createEventPanel({ id, api, announce, onSent: () => void refresh() });
  const pending = createPendingPanel({ api, announce, onSettled: () => void refresh() });

  /** @type {InstanceView | undefined} */
  let instance;
  /** @type {MachineDetails | undefined} */
  let machine;
  /** @type {import("./api.js").PendingView[]} */
  let pendingRows = [];
  /** @type {JournalEntryView[]} in order, without a gap */
  let entries = [];
  let hasOlder = false;
  /** @type {Set<number>} came while the reader was here */
  const fresh = new Set();
  /** @type {MomentView | undefined} the one that is looked at */
  let moment;
  /** @type {MomentView | undefined} of the last change */
  let lastChange;
  /** @type {Map<number, MomentView>} */
  const moments = new Map();
  /** @type {import("./event-stream.js").Follower | undefined} */
  let follower;
  let pulsedVersion = 0;

  void begin();

  async function begin() {
    try {
      const [view, page, rows] = await Promise.all([api.instance(id), lastEntries(), api.pending(id)]);
      if (gone.signal.aborted) return;
      instance = view;
      pendingRows = rows.items;
      takeOlder(page);
      pulsedVersion = view.version;
      await loadMachine(view.machine);
      if (gone.signal.aborted) return;
      fill(
        element,
        ...instanceBoard({
          head,
          problem,
          chart,
          outline: outlinePart,
          timeline: timeline.element,
          waits,
          events: [events.element, then],
          pending: pending.element,
          journal: journal.element,
          context: context.element,
        }),
      );
      render(); // all but the chart, whose drawing may take a while
      listen();
      await Promise.all([
        drawChart(view.machine),
        showLastChange(),
        at === null ? undefined : travel(at, { isNew: false }),
      ]);
    } catch (error) {
      if (!gone.signal.aborted) showFailure(error);
    }
  }

  /** @param {unknown} error */
  function showFailure(error) {
    const isMissing = error instanceof Problem && error.status === 404;
    onConnection("none", () => undefined);
    setTitle(isMissing ? `No ${id}` : `${id} cannot be shown`);
    fill(
      element,
      el(
        "div",
        { class: "empty" },
        el("h1", {}, isMissing ? "There is no such instance" : "This cannot be shown"),
        el("p", {}, said(sentenceOf(error))),
        el("p", {}, el("a", { href: addressOf({ view: "list", filters: new URLSearchParams() }) }, "All instances")),
        !isMissing && el("button", { type: "button", onclick: () => void begin() }, "Try again"),
        otherToken(error, () => void begin()),
      ),
    );
  }

  async function lastEntries(before = Number.MAX_SAFE_INTEGER) {
    const { entries: page } = await api.journal(id, `before=${before}&limit=${entriesAtOnce}`);
    return page;
  }

  /** @param {JournalEntryView[]} page */
  function takeOlder(page) {
    entries = [...page, ...entries];
    hasOlder = page.length === entriesAtOnce;
  }

  let isLoadingOlder = false;

  /** One page at a time: asked for twice, the same would be there twice. */
  async function loadOlder() {
    const [oldest] = entries;
    if (oldest === undefined || isLoadingOlder) return;
    isLoadingOlder = true;
    try {
      takeOlder(await lastEntries(oldest.seq));
      render();
    } catch (error) {
      announce(sentenceOf(error));
    } finally {
      isLoadingOlder = false;
    }
  }

  /** @param {string} name */
  async function loadMachine(name) {
    try {
      machine = await api.machine(name);
    } catch (error) {
      chart.fail(sentenceOf(error));
    }
  }

  /** @param {string} name */
  async function drawChart(name) {
    if (machine === undefined) return;
    try {
      const picture = await api.diagram(name);
      if (gone.signal.aborted) return;
      chart.load(machine, picture);
      render();
    } catch (error) {
      chart.fail(sentenceOf(error));
    }
  }

  /** Follows the journal; whatever was missed while the connection was away comes first. */
  function listen() {
    follower = follow({
      after: entries.at(-1)?.seq ?? 0,
      open: (headers, signal) => api.open(`v1/instances/${encodeURIComponent(id)}/stream`, { headers, signal }),
      onEvent(data) {
        const entry = /** @type {JournalEntryView} */ (JSON.parse(data));
        if (entry.seq <= (entries.at(-1)?.seq ?? 0)) return;
        entries.push(entry);
        fresh.add(entry.seq);
        void refresh();
      },
      onConnection(connection, position) {
        onConnection(connection, () => follower?.retryNow());
        if (connection === "live" && position !== undefined) void refresh(); // calls and attempts are in no journal
      },
      async onRefusal(response) {
        if (response.status === 404) {
          showFailure(new Problem({ status: 404, detail: "It is not there any more." }));
          return false;
        }
        if (response.status === 400) {
          restart(); // another journal than the one that was followed
          return false;
        }
        return true;
      },
    });
  }

  function restart() {
    follower?.stop();
    entries = [];
    fresh.clear();
    moments.clear();
    journal.clear();
    void begin();
  }

  /** @type {Promise<void> | undefined} */
  let refreshing;
  let isStale = false;

  /** Reads what is; however often it is asked for, one after the other. */
  async function refresh() {
    isStale = true;
    refreshing ??= (async () => {
      while (isStale && !gone.signal.aborted) {
        isStale = false;
        try {
          const [view, rows] = await Promise.all([api.instance(id), api.pending(id)]);
          if (gone.signal.aborted) return;
          const was = instance;
          instance = view;
          pendingRows = rows.items;
          render();
          if (was !== undefined && was.state !== view.state) announceCalmly(`${id} is in ${view.state} now`);
          await showLastChange();
        } catch {
          // the stream says that the connection is gone, and its return asks again
        }
        await nextFrame();
      }
    })().finally(() => (refreshing = undefined));
    return refreshing;
  }

  /** What the last event changed, to be marked. */
  async function showLastChange() {
    const last = entries.findLast(({ outcome }) => outcome === "changed");
    if (last === undefined || lastChange?.entry.seq === last.seq) return;
    try {
      lastChange = await api.moment(id, last.seq);
    } catch {
      lastChange = undefined; // of an older chart, or too far: then nothing is marked
    }
    if (!gone.signal.aborted) render();
  }

  /** @type {number | null} */
  let wanted = at;
  let isTravelling = false;

  /** @param {number | null} seq null: now @param {{ isNew?: boolean }} [options] */
  async function travel(seq, { isNew = true } = {}) {
    wanted = seq;
    if (isNew) go({ view: "instance", id, at: seq }, { replaces: true });
    if (isTravelling) return;
    isTravelling = true;
    try {
      while (wanted !== (moment?.entry.seq ?? null) && !gone.signal.aborted) {
        const target = wanted;
        const found = target === null ? undefined : (moments.get(target) ?? (await api.moment(id, target)));
        if (found !== undefined) keep(found);
        moment = found;
        if (wanted === target) render();
      }
    } catch (error) {
      wanted = moment?.entry.seq ?? null;
      go({ view: "instance", id, at: wanted }, { replaces: true });
      showPastProblem(error);
    } finally {
      isTravelling = false;
    }
  }

  /** @param {MomentView} found */
  function keep(found) {
    moments.set(found.entry.seq, found);
    const [oldest] = moments.keys();
    if (moments.size > momentsKept && oldest !== undefined) moments.delete(oldest);
  }

  /** A moment that cannot be shown leaves what is on the page. @param {unknown} error */
  function showPastProblem(error) {
    const close = el("button", { type: "button", class: "small", onclick: () => (problem.hidden = true) }, "Close");
    fill(problem, glyph("attention"), el("p", {}, said(sentenceOf(error))), close);
    problem.hidden = false;
    render();
  }

  function render() {
    if (instance === undefined) return;
    const shown = moment?.instance ?? instance;
    const isPast = moment !== undefined;
    const change = moment ?? lastChange;
    element.classList.toggle("is-past", isPast);
    setTitle(`${shown.state} · ${id}`);
    fill(head, ...instanceHead(shown, { isPast }));
    fill(waits, ...waitList(shown, { isPast }));
    showChart(shown, change, isPast);
    context.show(shown, change);
    events.show(instance, machine);
    events.element.hidden = isPast;
    then.hidden = !isPast;
    if (isPast) fill(then, heardThen(shown));
    pending.show(pendingRows);
    timeline.show(entries, {
      shown: moment?.entry ?? null,
      wanted,
      more: moment?.entry.outcome === "refused" ? reasonList(moment.entry.reasons ?? []) : null,
    });
    journal.show(entries, { hasOlder, current: moment?.entry.seq, fresh });
  }

  /** @param {InstanceView} shown @param {MomentView | undefined} change @param {boolean} isPast */
  function showChart(shown, change, isPast) {
    if (machine === undefined) return;
    const active = activeIds(machine.nodes, shown.value);
    const isOfShown = change !== undefined && (isPast || change.instance.version === shown.version);
    const before = isOfShown && change.before !== null ? activeIds(machine.nodes, change.before.value) : active;
    const pulses = isPast || (isOfShown && shown.version > pulsedVersion);
    if (isOfShown && !isPast) pulsedVersion = Math.max(pulsedVersion, shown.version);
    chart.show({ active, before, entry: isOfShown ? change.entry : undefined, pulses });
    fill(outlinePart, outline(machine, active));
  }

  return {
    element,
    keys: [
      { key: ",", does: "one journal entry back in time", act: () => timeline.move(-1) },
      { key: ".", does: "one journal entry forward", act: () => timeline.move(1) },
      { key: "Escape", does: "back to now", act: () => void travel(null) },
      { key: "e", does: "go to the events", act: () => events.focus() },
      {
        key: "c",
        does: "go to the chart",
        act: () => chart.focus(),
      },
    ],
    /** @param {import("./places.js").Place} place */
    visit(place) {
      if (place.view !== "instance" || place.id !== id) return false;
      void travel(place.at, { isNew: false });
      return true;
    },
    stop() {
      gone.abort();
      follower?.stop();
      chart.stop();
    },
  };
}

/** @param {InstanceView} shown */
function heardThen({ hears }) {
  return el(
    "div",
    { class: "heard-then" },
    el(
      "p",
      { class: "quiet" },
      hears.length === 0 ? "It heard nothing from outside then." : "It heard these then; sending is for now.",
    ),
    el(
      "ul",
      { class: "chips" },
      ...hears.map(({ type }) => el("li", { class: "chip" }, said(type, { class: "event-name" }))),
    ),
  );
}

function nextFrame() {
  return new Promise((resolve) => {
    if (document.hidden) setTimeout(resolve, 250);
    else requestAnimationFrame(resolve);
  });
}
