import { z } from "zod";
import { documents, readPageFile } from "../pages/page-files.ts";
import { operation } from "./operation.ts";

const shown = z.string().optional();

/** Of the page, not of the server: what is shown stands in the address, so that it can be kept and handed on. */
const pageQuery = z.looseObject({
  id: shown.meta({ description: "One instance." }),
  at: shown.meta({ description: "A moment of it: the number of a journal entry." }),
  machine: shown.meta({ description: "A filter of the list." }),
  state: shown.meta({ description: "A filter of the list." }),
  text: shown.meta({ description: "A filter of the list." }),
  label: shown.meta({ description: "A filter of the list." }),
  cursor: shown.meta({ description: "A page of the list." }),
});

export const showInspect = operation({
  name: "show-inspect",
  summary: "The inspect page: instances, their charts, and their history.",
  method: "GET",
  path: "/inspect",
  query: pageQuery,
  permission: "open",
  answers: { 200: { description: "The page; what it shows, it asks for by itself.", contentType: "text/html" } },
  example: { query: { id: "node/alpha" } },
  isChange: false,
  run: async () => ({ status: 200, contentType: "text/html", body: readPageFile(documents, "inspect.html") ?? "" }),
});
