import { el, freshId } from "./dom.js";

/**
 * Asks before something is done; resolves with whether it is meant.
 *
 * @param {{ title: string, text: string, act: string, isGrave?: boolean }} given
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, act, isGrave = false }) {
  const { promise, resolve } = Promise.withResolvers();
  const id = freshId();
  const yes = el("button", { type: "button", class: isGrave ? "grave main" : "main" }, act);
  const no = el("button", { type: "button", autofocus: true }, "Cancel");
  const dialog = el(
    "dialog",
    { "aria-labelledby": id, class: "dialog" },
    el("h2", { id }, el("bdi", {}, title)),
    el("p", {}, text),
    el("div", { class: "buttons" }, no, yes),
  );
  let isMeant = false;
  yes.addEventListener("click", () => {
    isMeant = true;
    dialog.close();
  });
  no.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(isMeant);
  });
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}

/**
 * Asks for a token until there is one.
 *
 * @param {string} why what was wrong with the last one; empty: none was sent
 * @param {string} [kept] the one that goes on counting when no other is given
 * @returns {Promise<string>}
 */
export function askForToken(why, kept) {
  const { promise, resolve } = Promise.withResolvers();
  const id = freshId();
  const input = el("input", {
    type: "password",
    id: `${id}-token`,
    autocomplete: "off",
    required: true,
    spellcheck: "false",
    "aria-describedby": `${id}-why`,
  });
  const form = el(
    "form",
    {},
    el("h2", { id }, "This server asks who you are"),
    el(
      "p",
      { id: `${id}-why`, class: why === "" ? "" : "fault" },
      why || "Give a token that it knows. It is kept in this tab until you close it, and sent to this server only.",
    ),
    el("div", { class: "field" }, el("label", { for: input.id }, "Token"), input),
    el(
      "div",
      { class: "buttons" },
      kept !== undefined && el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
      el("button", { type: "submit", class: "main" }, "Go on"),
    ),
  );
  const dialog = el("dialog", { "aria-labelledby": id, class: "dialog" }, form);
  let given = kept;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim() === "") return;
    given = input.value.trim();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (given === undefined) return dialog.showModal(); // there is nothing to see without it
    dialog.remove();
    resolve(given);
  });
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  return promise;
}
