import { newKey, Problem, sentenceOf, Unreachable } from "./api.js";
import { el, fill, focusFirst, freshId, said, told, unseen } from "./dom.js";
import { otherToken } from "./fault-box.js";
import { glyph } from "./glyphs.js";
import { reasonList } from "./reasons.js";
import { schemaForm } from "./schema-form.js";
import { durationText } from "./times.js";
import { valueTree } from "./value-tree.js";

/**
 * @typedef {import("./api.js").InstanceView} InstanceView
 * @typedef {import("./api.js").MachineDetails} MachineDetails
 * @typedef {MachineDetails["events"][number]} EventDetails
 * @typedef {import("./api.js").ExplanationView} ExplanationView
 * @typedef {NonNullable<ExplanationView["verdict"]>} Verdict
 * @typedef {import("./api.js").SentEventView} SentEventView
 */

/**
 * What an instance hears, and a form to say it: asked first, then sent.
 *
 * @param {{ id: string, api: import("./api.js").Api, announce: (text: string) => void, onSent: () => void }} given
 */
export function createEventPanel({ id, api, announce, onSent }) {
  const heard = el("div", { class: "chips", role: "group", "aria-label": "Events that are heard now" });
  const unheard = el("details", { class: "unheard", hidden: true });
  const form = el("form", { class: "event-form", novalidate: true });
  const verdict = el("div", { class: "verdict", role: "status" });
  const element = el("div", { class: "event-panel" }, heard, unheard, form, verdict);

  /** @type {InstanceView | undefined} */
  let instance;
  /** @type {MachineDetails | undefined} */
  let machine;
  /** @type {Filled | undefined} the form in front of the reader */
  let open;
  let shownChips = "";

  /**
   * @typedef {object} Filled
   * @property {string} type
   * @property {() => { event: Record<string, unknown>, isReadable: boolean }} read
   * @property {(faults: readonly { pointer: string, detail: string }[]) => readonly { pointer: string, detail: string }[]} showFaults
   * @property {string} key of the send; the same until something is changed or answered
   */

  function showChips() {
    if (instance === undefined || machine === undefined) return;
    const events = personsFirst(machine.events);
    const needs = new Map(instance.hears.map((each) => [each.type, each.needs]));
    const text = JSON.stringify([[...needs], open?.type, instance.state]);
    if (text === shownChips) return; // whoever has the focus on one keeps it
    shownChips = text;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["event"] : undefined;
    const others = events.filter(({ type, sentBy }) => !needs.has(type) && sentBy.some((each) => each !== "engine"));
    fill(
      heard,
      ...events.filter(({ type }) => needs.has(type)).map((event) => chip(event, needs.get(event.type) ?? [])),
      needs.size === 0 &&
        el(
          "p",
          { class: "quiet" },
          instance.status === "active"
            ? "Nothing from outside: it goes on by itself."
            : "It has ended and hears nothing any more.",
        ),
    );
    unheard.hidden = others.length === 0 || instance.status !== "active";
    const wasOpen = unheard.open;
    fill(
      unheard,
      el("summary", {}, `${others.length} not heard in `, said(instance.state)),
      el("div", { class: "chips" }, ...others.map((event) => chip(event, []))),
    );
    unheard.open = wasOpen;
    if (focused === undefined) return;
    const again = [...element.querySelectorAll("[data-event]")].find(
      (each) => /** @type {HTMLElement} */ (each).dataset["event"] === focused,
    );
    /** @type {HTMLElement | undefined} */ (again)?.focus();
  }

  /** @param {EventDetails} event @param {readonly string[]} needs */
  function chip({ type, sentBy }, needs) {
    const isByPerson = sentBy.includes("person");
    return el(
      "button",
      {
        type: "button",
        class: "chip",
        "data-event": type,
        "aria-pressed": String(open?.type === type),
        onclick: () => choose(type),
      },
      said(type, { class: "event-name" }),
      !isByPerson && el("span", { class: "quiet" }, ` ${sentBy.filter((each) => each !== "engine").join(", ")}`),
      needs.length > 0 &&
        el("span", { class: "law", title: "The laws that are asked" }, " ", unseen("asks "), said(needs.join(", "))),
    );
  }

  /** @param {string} type @param {{ focuses?: boolean }} [options] */
  function choose(type, { focuses = true } = {}) {
    const event = machine?.events.find((each) => each.type === type);
    if (event === undefined) return;
    fill(verdict);
    open = buildForm(event);
    shownChips = "";
    showChips();
    if (focuses) focusFirst(form);
  }

  /** @param {EventDetails} details @returns {Filled} */
  function buildForm({ type, schema }) {
    const fields = schemaForm(schema);
    const raw = el("textarea", { rows: 8, class: "code", spellcheck: "false", id: freshId() });
    const rawFault = el("p", { class: "fault", role: "alert" });
    const rawPart = el(
      "div",
      { class: "field", hidden: true },
      el("label", { for: raw.id }, "The event's fields as JSON"),
      raw,
      rawFault,
    );
    const toJson = el("button", { type: "button", class: "small", "aria-pressed": "false" }, "As JSON");
    let isRaw = false;

    const readRaw = () => {
      try {
        const value = /** @type {unknown} */ (JSON.parse(raw.value.trim() === "" ? "{}" : raw.value));
        if (typeof value !== "object" || value === null || Array.isArray(value))
          throw new Error("expected an object, { … }");
        fill(rawFault);
        return /** @type {Record<string, unknown>} */ (value);
      } catch (error) {
        fill(rawFault, `This cannot be read: ${error instanceof Error ? error.message : "no JSON"}`);
        return undefined;
      }
    };
    toJson.addEventListener("click", () => {
      if (!isRaw) {
        raw.value = JSON.stringify(fields.read().value, undefined, 2);
      } else {
        const value = readRaw();
        if (value === undefined) return;
        if (!fields.write(value)) return fill(rawFault, "The form has no place for all of this; send it as JSON.");
      }
      isRaw = !isRaw;
      rawPart.hidden = !isRaw;
      fields.element.toggleAttribute("hidden", isRaw);
      toJson.setAttribute("aria-pressed", String(isRaw));
    });

    fill(
      form,
      el("h3", {}, said(type, { class: "event-name" })),
      fields.isEmpty && el("p", { class: "quiet" }, "It carries nothing."),
      fields.element,
      rawPart,
      el(
        "div",
        { class: "buttons" },
        el("button", { type: "button", class: "check-button", onclick: () => void check() }, "Check"),
        el("button", { type: "submit", class: "main" }, "Send"),
        el("span", { class: "spring" }),
        toJson,
      ),
    );
    /** @type {Filled} */
    const filled = {
      type,
      key: newKey(),
      read() {
        if (isRaw) {
          const value = readRaw();
          return { event: { ...value, type }, isReadable: value !== undefined };
        }
        const { value, faults } = fields.read();
        fields.showFaults(faults);
        return { event: { ...value, type }, isReadable: faults.length === 0 };
      },
      showFaults: (faults) => (isRaw ? faults : fields.showFaults(faults)),
    };
    return filled;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send();
  });
  form.addEventListener("input", () => {
    if (open !== undefined) open.key = newKey(); // another request
  });

  /** @param {(filled: Filled, event: Record<string, unknown>, version: number) => Promise<void>} work */
  async function ask(work) {
    if (open === undefined || instance === undefined) return;
    const filled = open;
    const { event, isReadable } = filled.read();
    if (!isReadable) return fill(verdict, el("p", { class: "fault" }, "The marked fields cannot be read yet."));
    element.setAttribute("aria-busy", "true");
    try {
      await work(filled, event, instance.version);
    } catch (error) {
      showProblem(filled, error);
    } finally {
      element.removeAttribute("aria-busy");
    }
  }

  function check() {
    return ask(async (filled, event) => {
      const { instance: now, verdict: judged } = await api.explain(id, event);
      filled.showFaults([]);
      if (judged !== undefined) fill(verdict, ...verdictWords(judged, now.state));
    });
  }

  function send() {
    return ask(async (filled, event, version) => {
      const sent = await api.send(id, event, { version, key: filled.key });
      filled.key = newKey();
      filled.showFaults([]);
      fill(verdict, ...sentWords(sent));
      announce(`${filled.type} was accepted`);
      onSent();
    });
  }

  /** @param {Filled} filled @param {unknown} error */
  function showProblem(filled, error) {
    if (error instanceof Unreachable) {
      return fill(
        verdict,
        heading("error", "No answer"),
        el("p", {}, sentenceOf(error)),
        el("p", { class: "quiet" }, "Send it again as it is: it has the same key, and happens once."),
      );
    }
    if (!(error instanceof Problem)) return fill(verdict, el("p", { class: "fault" }, sentenceOf(error)));
    filled.key = newKey();
    const { code, body } = error;
    if (code === "event-refused") {
      announce(`${filled.type} was refused`);
      onSent(); // the refusal is in the journal
      return fill(
        verdict,
        heading("refused", "Refused"),
        reasonList(body.reasons ?? [{ code: "event-refused", detail: body.detail }], { onHint }),
      );
    }
    if (code === "version-mismatch") {
      onSent();
      return fill(
        verdict,
        heading("attention", "It has moved on meanwhile"),
        el("p", {}, said(body.detail)),
        el(
          "p",
          { class: "quiet" },
          "What you filled in is kept: look at the state again, then check or send once more.",
        ),
      );
    }
    const left = filled.showFaults(body.errors ?? []);
    const hasMarked = (body.errors ?? []).length > left.length;
    fill(
      verdict,
      heading("error", code === "forbidden" ? "Not allowed" : "Not sent"),
      hasMarked && left.length === 0 ? el("p", {}, "See the marked fields.") : el("p", {}, told(sentenceOf(error))),
      left.length > 0 &&
        el(
          "ul",
          { class: "reasons" },
          ...left.map(({ pointer, detail }) => el("li", {}, said(pointer, { class: "key" }), " ", said(detail))),
        ),
      otherToken(error, () => fill(verdict)),
    );
  }

  /** A hint that names an event of the machine leads to its form. @param {string} hint */
  function onHint(hint) {
    return machine?.events.some(({ type }) => type === hint) === true ? () => choose(hint) : undefined;
  }

  /** @param {Verdict} judged @param {string} from */
  function verdictWords({ outcome, reasons, via, to, effects, forbidden }, from) {
    return [...outcomeWords(), forbidden !== undefined && el("p", { class: "fault" }, "Not by you: ", told(forbidden))];

    function outcomeWords() {
      if (outcome === "refused")
        return [heading("refused", "It would be refused"), reasonList(reasons ?? [], { onHint })];
      if (outcome === "unchanged") return [heading("unchanged", "It would be accepted; nothing would follow")];
      return [
        heading("changed", "It would be accepted"),
        pathLine(from, via, to),
        effects.length > 0 && el("ul", { class: "effects" }, ...effects.map(effectItem)),
      ];
    }
  }

  /** @param {SentEventView} sent */
  function sentWords({ outcome, version, instance: after }) {
    return outcome === "unchanged"
      ? [heading("unchanged", "Accepted; nothing followed")]
      : [
          heading("steady", "Done"),
          el("p", {}, "It is in ", said(after.state, { class: "state-name" }), ` now, version ${version}.`),
        ];
  }

  return {
    element,
    /** @param {InstanceView} view @param {MachineDetails | undefined} details */
    show(view, details) {
      instance = view;
      machine = details;
      showChips();
    },
    focus() {
      focusFirst(element);
    },
  };
}

/** What the reader may want to send stands before what programs tell. @param {readonly EventDetails[]} events */
function personsFirst(events) {
  const isOfPersons = (/** @type {EventDetails} */ { sentBy }) => sentBy.includes("person");
  return [...events.filter(isOfPersons), ...events.filter((event) => !isOfPersons(event))];
}

/** @param {string} sign @param {string} text */
function heading(sign, text) {
  return el("p", { class: `verdict-head is-${sign}` }, glyph(sign), el("strong", {}, text));
}

/** @param {string} from @param {readonly string[]} via @param {string} to */
function pathLine(from, via, to) {
  if (from === to && via.length === 0)
    return el("p", { class: "path" }, el("span", { class: "quiet" }, "stays in "), said(to, { class: "state-name" }));
  const path = [from, ...via, to];
  return el(
    "p",
    { class: "path" },
    ...path.flatMap((state, index) => [
      index > 0 && el("span", { class: "arrow", "aria-label": "to" }, " → "),
      said(state, { class: index === path.length - 1 ? "state-name" : "quiet" }),
    ]),
  );
}

/** @param {Verdict["effects"][number]} effect */
function effectItem(effect) {
  switch (effect.kind) {
    case "call":
      return el(
        "li",
        {},
        glyph("call"),
        "calls ",
        said(effect.activity, { class: "event-name" }),
        inputOf(effect.input),
      );
    case "timer":
      return el(
        "li",
        {},
        glyph("timer"),
        "sets ",
        said(effect.event.type, { class: "event-name" }),
        ` in ${durationText(effect.delayMs)}`,
      );
    case "message":
      return el(
        "li",
        {},
        glyph("message"),
        "sends ",
        said(effect.event.type, { class: "event-name" }),
        " to ",
        said(effect.to),
      );
    case "emitted":
      return el("li", {}, glyph("changed"), "emits ", said(effect.event.type, { class: "event-name" }));
    default:
      return el("li", {}, glyph("close"), "withdraws ", said(effect.id, { class: "event-name" }));
  }
}

/** @param {unknown} input */
function inputOf(input) {
  if (typeof input !== "object" || input === null || Object.keys(input).length === 0) return null;
  return el("details", {}, el("summary", {}, "with"), valueTree(input, { label: "Input of the call" }));
}
