import { z } from "zod";
import { SignalboxError } from "../core/errors.ts";
import { readPageFile, scripts, styles, type PageFiles } from "../pages/page-files.ts";
import { operation, type Contract, type Operation } from "./operation.ts";
import { contract as contractSchema } from "./server-schemas.ts";

export const showContract = operation({
  name: "show-contract",
  summary: "This contract as OpenAPI 3.1.",
  method: "GET",
  path: "/openapi.json",
  permission: "open",
  answers: { 200: { description: "The document.", schema: contractSchema } },
  isChange: false,
  run: async (_asked, _caller, { contract }) => ({ status: 200, body: await contract.document() }),
});

export const showDocs = operation({
  name: "show-docs",
  summary: "This contract as a page for people.",
  method: "GET",
  path: "/docs",
  permission: "open",
  answers: { 200: { description: "The page.", contentType: "text/html" } },
  isChange: false,
  run: async (_asked, _caller, { contract }) => ({
    status: 200,
    contentType: "text/html",
    body: await contract.page(),
  }),
});

const fileParams = z.strictObject({ file: z.string().min(1).max(100).meta({ description: "Its name." }) });

export const showStyle = operation({
  name: "show-style",
  summary: "A style sheet of a page.",
  method: "GET",
  path: "/pages/styles/:file",
  params: fileParams,
  permission: "open",
  answers: { 200: { description: "The style sheet.", contentType: "text/css" } },
  example: { params: { file: "colours.css" } },
  isChange: false,
  run: async ({ params }) => ({ status: 200, contentType: "text/css", body: fileOf(styles, params.file) }),
});

export const showScript = operation({
  name: "show-script",
  summary: "A script of a page.",
  method: "GET",
  path: "/pages/scripts/:file",
  params: fileParams,
  permission: "open",
  answers: { 200: { description: "The script.", contentType: "text/javascript" } },
  example: { params: { file: "docs.js" } },
  isChange: false,
  run: async ({ params }) => ({ status: 200, contentType: "text/javascript", body: fileOf(scripts, params.file) }),
});

function fileOf(files: PageFiles, name: string): string {
  const text = readPageFile(files, name);
  if (text !== undefined) return text;
  throw new SignalboxError("not-found", `No page is made of ${name}; there are ${Object.keys(files).join(", ")}.`);
}

/** What the server says of itself, made once, when somebody asks for it: a command of the shell needs none of it. */
export function createContract(given: {
  operations: readonly Operation[];
  version: string;
  /** Whether callers have to send a token. */
  hasTokens: boolean;
}): Contract {
  const { operations, version, hasTokens } = given;
  let document: ReturnType<Contract["document"]> | undefined;
  let page: ReturnType<Contract["page"]> | undefined;

  async function makeDocument() {
    const { openApiDocument } = await import("./openapi.ts");
    return openApiDocument({ operations, version });
  }

  async function makePage() {
    const { docsPage } = await import("../pages/docs-page.ts");
    return docsPage(await contract.document(), { hasTokens });
  }

  const contract: Contract = {
    document: () => (document ??= makeDocument()),
    page: () => (page ??= makePage()),
  };
  return contract;
}
