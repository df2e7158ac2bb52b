import { el, freshId } from "./dom.js";

/**
 * @typedef {object} Shortcut
 * @property {string} key as `KeyboardEvent.key` has it
 * @property {string} does
 * @property {() => void} act
 */

const storageKey = "signalbox.shortcuts";

/**
 * Single keys for what the page is used for most. They are silent in fields and dialogs, and may be switched off.
 *
 * @param {readonly Shortcut[]} common
 */
export function createKeys(common) {
  /** @type {readonly Shortcut[]} */
  let ofView = [];
  let isOn = read();

  function read() {
    try {
      return localStorage.getItem(storageKey) !== "off";
    } catch {
      return true;
    }
  }

  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isInField(event.target)) return;
    if (document.querySelector("dialog[open]") !== null) return;
    if (!isOn && event.key !== "?" && event.key !== "Escape") return;
    const shortcut = [...ofView, ...common].find(({ key }) => key === event.key);
    if (shortcut === undefined) return;
    event.preventDefault();
    shortcut.act();
  });

  function help() {
    const id = freshId();
    const toggle = el("input", { type: "checkbox", id: `${id}-on`, checked: isOn });
    toggle.addEventListener("change", () => {
      isOn = toggle.checked;
      try {
        localStorage.setItem(storageKey, isOn ? "on" : "off");
      } catch {
        // it lasts for this page only
      }
    });
    const rows = [...ofView, ...common].map(({ key, does }) =>
      el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, names[key] ?? key)), el("td", {}, does)),
    );
    const close = el("button", { type: "button", class: "main", autofocus: true }, "Close");
    const dialog = el(
      "dialog",
      { "aria-labelledby": id, class: "dialog" },
      el("h2", { id }, "Keys"),
      el("table", { class: "keys" }, el("tbody", {}, ...rows)),
      el("p", { class: "check" }, toggle, el("label", { for: `${id}-on` }, "Single keys are on")),
      el("div", { class: "buttons" }, close),
    );
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  return {
    help,
    /** @param {readonly Shortcut[]} shortcuts */
    setView(shortcuts) {
      ofView = shortcuts;
    },
  };
}

/** @type {Readonly<Record<string, string>>} */
const names = { ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };

/** @param {EventTarget | null} target */
function isInField(target) {
  if (target instanceof HTMLInputElement) return !["range", "checkbox"].includes(target.type); // those take no letters
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
