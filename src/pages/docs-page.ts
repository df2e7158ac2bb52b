import { errorCatalogue } from "../core/errors.ts";
import { curlOf } from "./curl.ts";
import { jsonText } from "./json-text.ts";
import { html, markupOf, type Html } from "./html.ts";
import { resolved, type ApiDocument, type ApiOperation, type Content, type Example, type Response } from "./openapi.ts";
import { paragraphs, prose } from "./prose.ts";
import { fieldRow, fieldsOf, typeOf } from "./schema.ts";

/** The document for people: every operation with what it takes, what it answers, and a command that asks it. */
export function docsPage(document: ApiDocument, { hasTokens }: { hasTokens: boolean }): string {
  const { info } = document;
  const entries = entriesOf(document);
  const groups = (document.tags ?? []).map((tag) => ({
    ...tag,
    entries: entries.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  return markupOf(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${info.title} ${info.version}: HTTP API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="pages/styles/colours.css">
<link rel="stylesheet" href="pages/styles/docs.css">
<script type="module" src="pages/scripts/docs.js"></script>
</head>
<body>
<a class="skip" href="#operations">Skip to the operations</a>
<header class="top">
  <p class="brand"><span class="signal" aria-hidden="true"></span>${info.title}</p>
  <p class="release">HTTP API ${info.version}</p>
  <p class="contract"><a href="openapi.json">OpenAPI 3.1</a></p>
</header>
<div class="layout">
<nav aria-label="Operations">
  <details open>
    <summary>Operations</summary>
    <p class="search" hidden><label for="filter">Filter</label> <input id="filter" type="search" placeholder="node, POST, cordon" autocomplete="off" spellcheck="false"></p>
    <p class="count" role="status"></p>
    ${groups.map(
      ({ name, entries: own }) =>
        html`<div class="menu"><p class="menu-title">${name}</p><ul>${own.map(menuItem)}</ul></div>`,
    )}
    <div class="menu"><p class="menu-title">Reference</p><ul><li><a href="#errors">Errors</a></li><li><a href="#schemas">Schemas</a></li></ul></div>
  </details>
</nav>
<main id="operations">
  <section class="introduction" aria-labelledby="title">
    <h1 id="title">${info.title} over HTTP</h1>
    ${info.summary !== undefined && html`<p class="lead">${prose(info.summary)}</p>`}
    ${info.description !== undefined && paragraphs(info.description)}
    <p>The commands below know the server from the shell. Say it once:</p>
    ${command(setupOf(hasTokens), "setup")}
  </section>
  ${groups.map(
    ({ name, description, entries: own }) => html`<section class="group" aria-labelledby="group-${name}">
    <h2 id="group-${name}">${name}</h2>
    ${description !== undefined && html`<p class="lead">${prose(description)}</p>`}
    ${own.map((entry) => operationPart(document, entry, hasTokens))}
  </section>`,
  )}
  ${errorsPart(document)}
  ${schemasPart(document)}
</main>
</div>
</body>
</html>
`);
}

interface Entry {
  method: string;
  path: string;
  operation: ApiOperation;
}

function entriesOf({ paths = {} }: ApiDocument): Entry[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function setupOf(hasTokens: boolean): string {
  return ["export SIGNALBOX_URL=http://127.0.0.1:4100", ...(hasTokens ? ["export SIGNALBOX_TOKEN=..."] : [])].join(
    "\n",
  );
}

function menuItem({ method, path, operation }: Entry): Html {
  const { operationId, summary } = operation;
  return html`<li data-operation="${operationId}"><a href="#${operationId}" title="${summary.replaceAll("`", "")}">${badge(method)} <span class="path">${pathOf(path)}</span></a></li>`;
}

function badge(method: string): Html {
  return html`<span class="method ${method.toLowerCase()}">${method}</span>`;
}

/** With places where a long one may be broken, and its parameters marked. */
function pathOf(path: string): Html {
  const parts = path.split("/").slice(1);
  return html`${parts.map((part) => html`/<wbr>${part.startsWith("{") ? html`<span class="parameter">${part}</span>` : part}`)}`;
}

function operationPart(document: ApiDocument, { method, path, operation }: Entry, hasTokens: boolean): Html {
  const { operationId, summary } = operation;
  const permission = operation["x-permission"];
  return html`<article class="operation" id="${operationId}" aria-labelledby="${operationId}-title">
    <h3 id="${operationId}-title"><a href="#${operationId}">${badge(method)} <code>${pathOf(path)}</code></a></h3>
    <p class="summary">${prose(summary)}</p>
    <div class="columns">
      <div class="facts">
        ${takesPart(document, operation)}
        ${answersPart(document, operation)}
        ${errorsOfPart(document, operation)}
        ${permission !== undefined && html`<p class="permission">Permission: <code>${permission}</code></p>`}
      </div>
      ${command(curlOf(document, { method, path, operation, hasTokens }))}
    </div>
  </article>`;
}

const heardOfAlready = new Set(["X-Request-Id"]); // every operation takes it

function takesPart({ components }: ApiDocument, { parameters = [], requestBody }: ApiOperation): Html | undefined {
  const rows = parameters
    .map((each) => resolved(each, components?.parameters))
    .filter(({ name }) => !heardOfAlready.has(name))
    .map(({ name, schema, required = false, description, in: place }) =>
      fieldRow({ name, schema, direction: "request", isRequired: required, place, description }),
    );
  const content = requestBody?.content["application/json"]?.schema;
  if (rows.length === 0 && content === undefined) return undefined;
  return html`<h4>Takes</h4>
    ${rows.length > 0 && html`<dl class="fields">${rows}</dl>`}
    ${
      content !== undefined &&
      html`<div class="body"><p>A JSON body${requestBody?.required === true ? "" : ", if there is something to say"}:</p>${fieldsOf(content, "request") ?? html`<p>${typeOf(content)}</p>`}</div>`
    }`;
}

function answersPart(document: ApiDocument, { responses }: ApiOperation): Html {
  const rows = Object.entries(responses).flatMap(([status, response]) =>
    "$ref" in response ? [] : [answerRow(document, status, response)],
  );
  return html`<h4>Answers</h4><dl class="answers">${rows}</dl>`;
}

function answerRow(document: ApiDocument, status: string, { description, content = {} }: Response): Html {
  const [type, media]: readonly [string, Content] = Object.entries(content)[0] ?? ["", {}];
  const { schema } = media;
  return html`<div><dt class="status">${status}</dt><dd>${prose(description)} ${
    schema === undefined ? type !== "" && html`<code>${type}</code>` : html`<span class="type">${typeOf(schema)}</span>`
  }${examplesPart(document, media.examples)}</dd></div>`;
}

/** Closed until somebody wants to see it: some are long. */
function examplesPart({ components }: ApiDocument, examples: Examples = {}): Html[] {
  return Object.entries(examples).map(([name, example]) => {
    const { value } = resolved(example, components?.examples);
    const text = typeof value === "string" ? value.trimEnd() : jsonText(value, lineMax);
    return html`<details class="example"><summary>Example: ${name.replaceAll("-", " ")}</summary><pre><code>${text}</code></pre></details>`;
  });
}

type Examples = NonNullable<Content["examples"]>;
const lineMax = 64; // characters that stand in one line of half a page

function errorsOfPart({ components }: ApiDocument, { responses }: ApiOperation): Html {
  const rows = Object.entries(responses).flatMap(([status, response]) => {
    const codes = codesOf(resolved(response, components?.responses));
    return codes.length === 0
      ? []
      : [html`<div><dt class="status">${status}</dt><dd>${codes.map(codeLink)}</dd></div>`];
  });
  return html`<details class="refusals"><summary>Errors <span class="amount">${rows.length}</span></summary><dl class="answers">${rows}</dl></details>`;
}

const problemType = "application/problem+json";

/** Those that the schema of a problem names. */
function codesOf({ content = {} }: Response): string[] {
  const { schema } = content[problemType] ?? {};
  return (schema?.allOf ?? []).flatMap(({ properties }) => (properties?.["code"]?.enum ?? []).map(String));
}

/** Of a problem document. */
function codeOf({ value }: Example): unknown {
  return (value as { code?: unknown }).code;
}

function codeLink(code: string): Html {
  return html`<a href="#error-${code}"><code>${code}</code></a> `;
}

/** JavaScript adds what copies it. */
function command(text: string, id?: string): Html {
  return html`<div class="sample"><pre class="command"${id !== undefined && html` id="${id}"`}><code>${text}</code></pre></div>`;
}

function errorsPart(document: ApiDocument): Html {
  const problems = Object.values(document.components?.responses ?? {});
  const told = new Set(problems.flatMap(codesOf));
  const shown = Object.assign({}, ...problems.map(({ content }) => content?.[problemType]?.examples)) as Examples;
  const examplesOf = (code: string) =>
    Object.entries(shown).filter(([, each]) => codeOf(resolved(each, document.components?.examples)) === code);
  const rows = Object.entries(errorCatalogue)
    .filter(([code]) => told.has(code))
    .map(
      ([code, { status, title }]) =>
        html`<div id="error-${code}"><dt><code>${code}</code> <span class="status">${status}</span></dt><dd>${title}.${examplesPart(document, Object.fromEntries(examplesOf(code)))}</dd></div>`,
    );
  return html`<section class="group" aria-labelledby="errors">
    <h2 id="errors">Errors</h2>
    <p class="lead">Each is a problem document with this <code>code</code>. Its <code>detail</code> says what, which, and what to do.</p>
    <dl class="catalogue">${rows}</dl>
  </section>`;
}

function schemasPart({ components }: ApiDocument): Html {
  const inOrder = Object.entries(components?.schemas ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const parts = inOrder.map(
    ([name, schema]) => html`<article class="schema" id="schema-${name}" aria-labelledby="schema-${name}-title">
    <h3 id="schema-${name}-title"><a href="#schema-${name}">${name}</a></h3>
    ${schema.description !== undefined && html`<p class="summary">${prose(schema.description)}</p>`}
    ${fieldsOf(schema, "answer") ?? html`<p>${typeOf(schema)}</p>`}
  </article>`,
  );
  return html`<section class="group" aria-labelledby="schemas"><h2 id="schemas">Schemas</h2><p class="lead">What is in the bodies.</p><div class="schemas">${parts}</div></section>`;
}
