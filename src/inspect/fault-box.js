import { Problem, sentenceOf } from "./api.js";
import { el, told } from "./dom.js";

/** What stands where something could not be read. @param {unknown} error @param {() => void} retry */
export function faultBox(error, retry) {
  return el(
    "div",
    { class: "empty" },
    el("p", { role: "alert" }, told(sentenceOf(error))),
    el("button", { type: "button", onclick: retry }, "Try again"),
    otherToken(error, retry),
  );
}

/** Leads on where a token counts and does not suffice. @param {unknown} error @param {() => void} onGiven */
export function otherToken(error, onGiven) {
  const { askAnother } = error instanceof Problem ? error : {};
  if (askAnother === undefined) return null;
  return el("button", { type: "button", onclick: () => void askAnother().then(onGiven) }, "Give another token");
}
