/**
 * Dark or light, as the system has it until the reader says otherwise. The sheets ask the system by a media query; a choice
 * of the reader's makes those queries unconditional.
 */

const storageKey = "signalbox.theme";
const systemDark = matchMedia("(prefers-color-scheme: dark)");
let chosen = read();

function read() {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null; // storage may be switched off
  }
}

export function isDark() {
  return chosen === "dark" || (chosen !== "light" && systemDark.matches);
}

export function switchTheme() {
  chosen = isDark() ? "light" : "dark";
  try {
    localStorage.setItem(storageKey, chosen);
  } catch {
    // it lasts for this page only
  }
  applyTheme();
}

/** Which rules are for the dark: their text is changed by the first choice. @type {Set<CSSMediaRule>} */
const darkRules = new Set();

export function applyTheme() {
  if (chosen !== "dark" && chosen !== "light") return;
  document.documentElement.style.colorScheme = chosen;
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (rule instanceof CSSMediaRule && rule.conditionText.includes("prefers-color-scheme: dark"))
        darkRules.add(rule);
    }
  }
  for (const rule of darkRules) rule.media.mediaText = chosen === "dark" ? "all" : "not all";
}
