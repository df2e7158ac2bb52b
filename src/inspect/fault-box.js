import { sentenceOf } from "./api.js";
import { el, said } from "./dom.js";

/** What stands where something could not be read. @param {unknown} error @param {() => void} retry */
export function faultBox(error, retry) {
  return el(
    "div",
    { class: "empty" },
    el("p", { role: "alert" }, said(sentenceOf(error))),
    el("button", { type: "button", onclick: retry }, "Try again"),
  );
}
