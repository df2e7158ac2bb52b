import { readFileSync } from "node:fs";
import { packageFile } from "../package-file.ts";

/** What the pages are made of beside their HTML, by the name that they ask for it: paths from the package's own folder. */
export const styles: PageFiles = {
  "colours.css": "src/pages/colours.css",
  "docs.css": "src/pages/docs.css",
  "inspect.css": "src/inspect/inspect.css",
};

export const scripts: PageFiles = {
  "docs.js": "src/pages/docs.js",
  "api.js": "src/inspect/api.js",
  "attention-panel.js": "src/inspect/attention-panel.js",
  "calm-announcer.js": "src/inspect/calm-announcer.js",
  "changes.js": "src/inspect/changes.js",
  "chart-picture.js": "src/inspect/chart-picture.js",
  "chart.js": "src/inspect/chart.js",
  "context-panel.js": "src/inspect/context-panel.js",
  "dialogs.js": "src/inspect/dialogs.js",
  "dom.js": "src/inspect/dom.js",
  "event-panel.js": "src/inspect/event-panel.js",
  "event-stream.js": "src/inspect/event-stream.js",
  "fault-box.js": "src/inspect/fault-box.js",
  "glyphs.js": "src/inspect/glyphs.js",
  "inspect.js": "src/inspect/inspect.js",
  "instance-board.js": "src/inspect/instance-board.js",
  "instance-head.js": "src/inspect/instance-head.js",
  "instance-table.js": "src/inspect/instance-table.js",
  "instance-view.js": "src/inspect/instance-view.js",
  "journal-panel.js": "src/inspect/journal-panel.js",
  "keys.js": "src/inspect/keys.js",
  "leaf-fields.js": "src/inspect/leaf-fields.js",
  "list-filters.js": "src/inspect/list-filters.js",
  "list-view.js": "src/inspect/list-view.js",
  "outline.js": "src/inspect/outline.js",
  "pending-panel.js": "src/inspect/pending-panel.js",
  "places.js": "src/inspect/places.js",
  "reasons.js": "src/inspect/reasons.js",
  "rows-field.js": "src/inspect/rows-field.js",
  "schema-form.js": "src/inspect/schema-form.js",
  "schema-words.js": "src/inspect/schema-words.js",
  "states.js": "src/inspect/states.js",
  "taken-arcs.js": "src/inspect/taken-arcs.js",
  "theme.js": "src/inspect/theme.js",
  "timeline.js": "src/inspect/timeline.js",
  "times.js": "src/inspect/times.js",
  "value-tree.js": "src/inspect/value-tree.js",
  "wait-list.js": "src/inspect/wait-list.js",
};

export const documents: PageFiles = {
  "inspect.html": "src/inspect/inspect.html",
};

export type PageFiles = Readonly<Record<string, string>>;

/** The text of a file; undefined when no page is made of it. */
export function readPageFile(files: PageFiles, name: string): string | undefined {
  const path = Object.hasOwn(files, name) ? files[name] : undefined;
  return path === undefined ? undefined : readFileSync(packageFile(path), "utf8");
}
