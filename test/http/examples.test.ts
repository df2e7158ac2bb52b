import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cordonEntry, problemExamples } from "../../src/operations/answer-examples.ts";
import { journalEntry, problemDocument } from "../../src/operations/answer-schemas.ts";
import { examplesOf } from "../../src/operations/examples.ts";
import { operations, operationsByName as known } from "../../src/operations/index.ts";
import { openApiDocument, pathTemplateOf } from "../../src/operations/openapi.ts";
import { operation, pathOf, type Operation } from "../../src/operations/operation.ts";
import { resolved, type ApiDocument, type Content, type Response } from "../../src/pages/openapi.ts";
import { addRackedNode, exampleSite } from "./example-site.ts";
import { failed, started, acknowledged, type FleetSite } from "./fleet-site.ts";
import { createSite, type Answered, type Json, type Site } from "./site.ts";

const document = openApiDocument({ operations, version: "1.2.3" });

describe("the examples of the answers", () => {
  it("are in the document wherever an answer has a body, and fit its schema", () => {
    expect(operations.flatMap((each) => faultsOf(document, each))).toEqual([]);
  });

  it("are there for the problems that tell more than their code, and fit", () => {
    const bare = problemsIn(document).filter(
      ([status, media]) => ["400", "409"].includes(status) && Object.keys(media.examples ?? {}).length === 0,
    );
    const unfit = Object.entries(problemExamples).filter(([, each]) => !problemDocument.safeParse(each).success);

    expect(problemsIn(document).length).toBeGreaterThan(10);
    expect({ bare, unfit }).toEqual({ bare: [], unfit: [] });
  });

  it("are all shown", () => {
    const ofAnswers = operations.flatMap(({ answers }) =>
      Object.values(answers).flatMap(({ examples: _shown, ...shape }) => Object.keys(examplesOf(shape))),
    );

    expect(Object.keys(document.components?.examples ?? {}).toSorted()).toEqual(
      [...new Set([...ofAnswers, ...Object.keys(problemExamples)])].toSorted(),
    );
  });

  it("are checked with eyes that see", () => {
    const guilty = operation({
      name: "guilty",
      summary: "It is guilty.",
      method: "GET",
      path: "/guilty",
      permission: "open",
      answers: { 200: { description: "It is well.", schema: z.strictObject({ count: z.number() }) } },
      isChange: false,
      run: async () => ({ status: 200, body: { count: 1 } }),
    });
    const bare = openApiDocument({ operations: [guilty], version: "1" });
    const unfit = structuredClone(bare) as unknown as { paths: Json };
    unfit.paths["/guilty"].get.responses["200"].content["application/json"].examples = {
      many: { value: { count: "" } },
    };

    expect(faultsOf(bare, guilty)).toEqual(["guilty: it has no example of its 200"]);
    expect(faultsOf(unfit as unknown as ApiDocument, guilty)).toEqual([expect.stringContaining("guilty: many: ")]);
    expect(() => examplesOf({ ...known.showFreeze.answers[200], examples: ["nobody"] })).toThrow(
      "There is no example nobody; there are line.",
    );
  });

  it("show of a stream what it says", () => {
    const { stream } = examplesOf(known.streamJournal.answers[200]);
    const [, data = ""] = /^data: (.*)$/m.exec(String(stream)) ?? [];

    expect(journalEntry.parse(JSON.parse(data))).toEqual(cordonEntry);
  });
});

describe("what the server answers", () => {
  /** The contract stands for all of a document; no machine here has a form before its own; nothing was given up. */
  const isAlone = ["contract", "older-machine"];

  it("has the form of each example, in the parts too of which a schema says nothing", { timeout: 60_000 }, async () => {
    const told = new Map<string, unknown[]>();
    const hear = (each: Operation, { status, body }: Answered) => {
      for (const name of Object.keys(mediaOf(document, each, String(status))?.examples ?? {}))
        told.set(name, [...(told.get(name) ?? []), body]);
    };

    for (const each of operations) hear(each, await askedOf(each, await exampleSite(each)));
    for (const [each, ask] of others) hear(each, await ask(await exampleSite(each)));

    const faults = Object.entries(document.components?.examples ?? {}).flatMap(([name, { value }]) => {
      if (typeof value === "string" || isAlone.includes(name)) return [];
      const [closest = ["nobody was told of it"]] = (told.get(name) ?? [])
        .map((body) => differences(value, body))
        .toSorted((a, b) => a.length - b.length);
      return closest.map((difference) => `${name}: ${difference}`);
    });
    expect(faults).toEqual([]);
  });

  it("is compared with eyes that see", () => {
    const told = { id: "a", context: { count: 1, waves: [{ Pending: 1 }], gone: null } };

    expect(differences({ id: "b", context: { count: 2, waves: [], gone: 3 } }, told)).toEqual([]);
    expect(differences({ id: "b", context: { count: "2", waves: [{ Soaking: 1 }], more: 1 } }, told)).toEqual([
      "/context has more, and the server does not",
      "/context has no gone, and the server does",
      "/context/count is a string, and a number by the server",
      "/context/waves/0 has Soaking, and the server does not",
      "/context/waves/0 has no Pending, and the server does",
    ]);
  });
});

/** What the example of a request is answered with. */
function askedOf(each: Operation, site: Site): Promise<Answered> {
  const { params, query, body } = each.example ?? {};
  const texts = (given: unknown = {}) =>
    Object.fromEntries(Object.entries(given as object).map(([name, value]) => [name, String(value)]));
  const path = pathOf(each, texts(params));
  const search = new URLSearchParams(texts(query)).toString();
  return site.ask(each.method, search === "" ? path : `${path}?${search}`, body === undefined ? {} : { body });
}

/** Requests for the answers that come of no example of a request: each is asked where its own operation would be. */
const others: readonly (readonly [Operation, (site: Site) => Promise<Answered>])[] = [
  [known.readiness, async () => (await createSite()).get("/readyz?verbose=true")],
  [known.sendEvent, ({ post }) => post("/v1/instances/node%2Falpha/events?dryRun=true", { type: "node.cordon" })],
  [known.listInstances, ({ get }) => get("/v1/instances?limit=1000")],
  [
    known.createInstance,
    async (site) => {
      await addRackedNode(site, "alpha");
      return site.post("/v1/instances", { machine: "nodeMaintenance", id: "node/alpha", input: { node: "beta" } });
    },
  ],
  [known.enterMaintenance, (site) => enteredBeyondBudget(site, { queue: true })],
  [known.enterMaintenance, (site) => enteredBeyondBudget(site, {})],
  [
    known.pauseRollout,
    async (site) => {
      await (site as FleetSite).tell("web-1", "stable@v41", 1, [acknowledged, started, failed]);
      return site.post("/v1/rollouts/stable%40v41/pause", {});
    },
  ],
  [known.reportEvents, (site) => (site as FleetSite).tell("web-1", "stable@v41", 3, [started])],
  [
    known.pollDispatch,
    async ({ get }) => {
      const path = "/v1/agent/dispatch?wait=0&host=web-1&agent=";
      await get(`${path}first.1`);
      return get(`${path}second.1`);
    },
  ],
];

async function enteredBeyondBudget(site: Site, body: object): Promise<Answered> {
  const input = { name: "racks", maxUnavailable: 1, members: 2 };
  await site.engine.create({ machine: "maintenanceGroup", id: "maintenance-group/racks", input });
  for (const node of ["beta", "gamma"]) await addRackedNode(site, node, ["racks"]);
  await site.post("/v1/nodes/beta/maintenance/enter", {});
  return site.post("/v1/nodes/gamma/maintenance/enter", body);
}

function faultsOf(given: ApiDocument, each: Operation): string[] {
  return Object.entries(each.answers).flatMap(([status, { schema, isEmpty = false }]) => {
    if (isEmpty) return [];
    const examples = Object.entries(mediaOf(given, each, status)?.examples ?? {});
    if (examples.length === 0) return [`${each.name}: it has no example of its ${status}`];
    return examples.flatMap(([name, example]) => {
      const parsed = schema?.safeParse(resolved(example, given.components?.examples).value);
      return parsed?.success === false ? [`${each.name}: ${name}: ${z.prettifyError(parsed.error)}`] : [];
    });
  });
}

function mediaOf({ paths, components }: ApiDocument, each: Operation, status: string): Content | undefined {
  const response = paths?.[pathTemplateOf(each)]?.[each.method.toLowerCase()]?.responses[status];
  return response && Object.values(resolved<Response>(response, components?.responses).content ?? {})[0];
}

/** By status, each once. */
function problemsIn({ components }: ApiDocument): [status: string, media: Content][] {
  const named = new Map(
    operations.flatMap((each) =>
      Object.entries(document.paths?.[pathTemplateOf(each)]?.[each.method.toLowerCase()]?.responses ?? {}).flatMap(
        ([status, response]) => ("$ref" in response ? [[response.$ref, [status, response] as const] as const] : []),
      ),
    ),
  );
  return [...named.values()].map(([status, response]) => [
    status,
    resolved<Response>(response, components?.responses).content?.["application/problem+json"] ?? {},
  ]);
}

/**
 * Where an example has another form than what was told: fields, and kinds of values. Null may stand for anything, and of a
 * list each item is like one that was told, where there is any.
 */
function differences(shown: unknown, told: unknown, at = ""): string[] {
  if (shown === null || told === null) return [];
  if (Array.isArray(shown) && Array.isArray(told)) {
    return shown.flatMap((item, index) => {
      const [closest = []] = told
        .map((each) => differences(item, each, `${at}/${index}`))
        .toSorted((a, b) => a.length - b.length);
      return closest;
    });
  }
  if (typeof shown !== typeof told) return [`${at} is a ${typeof shown}, and a ${typeof told} by the server`];
  if (typeof shown !== "object" || typeof told !== "object") return [];
  const [own, theirs] = [Object.keys(shown), Object.keys(told)];
  return [
    ...own.filter((name) => !theirs.includes(name)).map((name) => `${at} has ${name}, and the server does not`),
    ...theirs.filter((name) => !own.includes(name)).map((name) => `${at} has no ${name}, and the server does`),
    ...own
      .filter((name) => theirs.includes(name))
      .flatMap((name) => differences((shown as Json)[name], (told as Json)[name], `${at}/${name}`)),
  ];
}
