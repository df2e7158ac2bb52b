// The page of the HTTP API: it reads without this; this filters, copies and names the server.

const filter = /** @type {HTMLInputElement} */ (document.querySelector("#filter"));
const count = /** @type {HTMLElement} */ (document.querySelector(".count"));
const menu = /** @type {HTMLDetailsElement} */ (document.querySelector("nav details"));
const items = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-operation]"))];

nameServer();
offerCopies();
offerFilter();
foldMenu(matchMedia("(max-width: 60rem)"));

/** This server's own address, also when it is mounted under a path. */
function nameServer() {
  const setup = document.querySelector("#setup code");
  const base = new URL(".", document.baseURI).href.replace(/\/$/, "");
  if (setup !== null) setup.textContent = setup.textContent.replace(/(?<=SIGNALBOX_URL=).*/, base);
}

function offerCopies() {
  for (const command of document.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", () => void copy(command, button));
    command.after(button);
  }
}

/** @param {Element} command @param {HTMLButtonElement} button */
async function copy(command, button) {
  try {
    await navigator.clipboard.writeText(command.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(command); // without TLS a browser has no clipboard for pages
    button.textContent = "Selected";
  }
  button.addEventListener("blur", () => (button.textContent = "Copy"), { once: true });
}

function offerFilter() {
  filter.closest("p")?.removeAttribute("hidden");
  filter.addEventListener("input", show);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    menu.open = true;
    filter.focus();
  });
  show();
}

/** Shows the operations that have all the words of the filter, in the menu and on the page. */
function show() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const item of items) {
    const part = document.getElementById(item.dataset.operation ?? "");
    const text = `${item.textContent} ${part?.querySelector(".summary")?.textContent} ${part?.id}`.toLowerCase();
    const isShown = words.every((word) => text.includes(word));
    item.hidden = !isShown;
    if (part !== null) part.hidden = !isShown;
    if (isShown) shown += 1;
  }
  for (const group of document.querySelectorAll(".menu:has([data-operation]), .group:has(.operation)")) {
    group.toggleAttribute(
      "hidden",
      group.querySelector("[data-operation]:not([hidden]), .operation:not([hidden])") === null,
    );
  }
  count.textContent = words.length === 0 ? "" : `${shown} of ${items.length} operations`;
}

/** @param {MediaQueryList} narrow */
function foldMenu(narrow) {
  const fold = () => (menu.open = !narrow.matches);
  narrow.addEventListener("change", fold);
  menu.addEventListener("click", (event) => {
    if (narrow.matches && event.target instanceof Element && event.target.closest("a") !== null) menu.open = false;
  });
  fold();
}
