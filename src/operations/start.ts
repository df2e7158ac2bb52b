import { places } from "./server-schemas.ts";
import { operation } from "./operation.ts";

export const showStart = operation({
  name: "show-start",
  summary: "Where things are; a browser is sent to the inspect page.",
  method: "GET",
  path: "/",
  permission: "open",
  answers: {
    200: { description: "Paths, from where the server is found on.", schema: places },
    303: { description: "The inspect page, for whoever prefers HTML.", isEmpty: true, headers: ["Location"] },
  },
  isChange: false,
  async run(_asked, { prefersPage }) {
    if (prefersPage === true) return { status: 303, location: "/inspect", body: undefined };
    const body = { inspect: "/inspect", docs: "/docs", contract: "/openapi.json", readiness: "/readyz" };
    return { status: 200, body };
  },
});
