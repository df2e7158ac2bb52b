import { z } from "zod";
import { operation } from "./operation.ts";

const places = z.strictObject({
  inspect: z.string().meta({ description: "A page: instances, their charts, and their history." }),
  docs: z.string().meta({ description: "A page: every route, with a request that runs." }),
  contract: z.string().meta({ description: "The same as OpenAPI." }),
  readiness: z.string().meta({ description: "Whether all is well." }),
});

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
