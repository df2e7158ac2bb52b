import { describe, expect, it } from "vitest";
import { setup } from "xstate";
import { z } from "zod";
import { machines as ours } from "../../machines/index.ts";
import { approval, sentBy, type Machine } from "../../src/core/machine.ts";
import { operations } from "../../src/operations/index.ts";
import { isStream, pathOf, type Operation } from "../../src/operations/operation.ts";
import { isOfHost, type TokenRole } from "../../src/operations/permission.ts";
import { bearer, createGuardedSite, type GuardedSite } from "./guarded-site.ts";
import { createSite, type Ask, type Json } from "./site.ts";

const roles = ["viewer", "operator", "approver", "agent:alpha", "agent:beta", "admin"] as const;

/** Who may ask what. Without a token; viewer; operator; approver; agent of the host it is about; of another; admin; local. */
const mayAsk: Readonly<Record<string, string>> = {
  //                     none viewer operator approver alpha beta admin local
  liveness: "             yes yes    yes      yes      yes   yes  yes   yes",
  readiness: "            yes yes    yes      yes      yes   yes  yes   yes",
  metrics: "              401 yes    yes      yes      403   403  yes   yes",
  "list-machines": "      401 yes    yes      yes      403   403  yes   yes",
  "show-machine": "       401 yes    yes      yes      403   403  yes   yes",
  "show-diagram": "       401 yes    yes      yes      403   403  yes   yes",
  "create-instance": "    401 403    yes      yes      403   403  yes   yes",
  "list-instances": "     401 yes    yes      yes      403   403  yes   yes",
  "show-instance": "      401 yes    yes      yes      403   403  yes   yes",
  "send-event": "         401 403    yes      yes      yes   403  yes   yes",
  transact: "             401 403    yes      yes      403   403  yes   yes",
  "explain-instance": "   401 yes    yes      yes      403   403  yes   yes",
  "explain-event": "      401 yes    yes      yes      403   403  yes   yes",
  "show-journal": "       401 yes    yes      yes      403   403  yes   yes",
  "stream-instance": "    401 yes    yes      yes      403   403  yes   yes",
  "list-journal": "       401 yes    yes      yes      403   403  yes   yes",
  "stream-journal": "     401 yes    yes      yes      403   403  yes   yes",
  "list-pending": "       401 yes    yes      yes      403   403  yes   yes",
  "retry-pending": "      401 403    yes      yes      403   403  yes   yes",
  "discard-pending": "    401 403    yes      yes      403   403  yes   yes",
  verify: "               401 yes    yes      yes      403   403  yes   yes",
  "list-nodes": "         401 yes    yes      yes      403   403  yes   yes",
  "show-node": "          401 yes    yes      yes      403   403  yes   yes",
  "enter-maintenance": "  401 403    yes      yes      403   403  yes   yes",
  "exit-maintenance": "   401 403    yes      yes      403   403  yes   yes",
  "abort-maintenance": "  401 403    yes      yes      403   403  yes   yes",
  "retry-maintenance": "  401 403    yes      yes      403   403  yes   yes",
  "cordon-node": "        401 403    yes      yes      403   403  yes   yes",
  "uncordon-node": "      401 403    yes      yes      403   403  yes   yes",
  "show-fleet": "         401 yes    yes      yes      403   403  yes   yes",
  "apply-fleet": "        401 403    yes      yes      403   403  yes   yes",
  "show-declaration": "   401 yes    yes      yes      403   403  yes   yes",
  "show-rollout-plan": "  401 yes    yes      yes      403   403  yes   yes",
  "list-rollouts": "      401 yes    yes      yes      403   403  yes   yes",
  "open-rollout": "       401 403    yes      yes      403   403  yes   yes",
  "show-rollout": "       401 yes    yes      yes      403   403  yes   yes",
  "list-rollout-hosts": " 401 yes    yes      yes      403   403  yes   yes",
  "explain-rollout-host": "401 yes   yes      yes      403   403  yes   yes",
  "list-rollout-events": "401 yes    yes      yes      403   403  yes   yes",
  "pause-rollout": "      401 403    yes      yes      403   403  yes   yes",
  "resume-rollout": "     401 403    yes      yes      403   403  yes   yes",
  "promote-rollout": "    401 403    yes      yes      403   403  yes   yes",
  "approve-rollout": "    401 403    403      yes      403   403  yes   403",
  "cancel-rollout": "     401 403    yes      yes      403   403  yes   yes",
  "clear-rollout": "      401 403    yes      yes      403   403  yes   yes",
  "abort-rollout": "      401 403    yes      yes      403   403  yes   yes",
  "retry-rollout": "      401 403    yes      yes      403   403  yes   yes",
  "undo-channel": "       401 403    yes      yes      403   403  yes   yes",
  "excuse-host": "        401 403    yes      yes      403   403  yes   yes",
  "list-quarantines": "   401 yes    yes      yes      403   403  yes   yes",
  "clear-quarantine": "   401 403    yes      yes      403   403  yes   yes",
  "show-freeze": "        401 yes    yes      yes      403   403  yes   yes",
  "freeze-line": "        401 403    yes      yes      403   403  yes   yes",
  "thaw-line": "          401 403    yes      yes      403   403  yes   yes",
  "poll-dispatch": "      401 403    403      403      yes   403  yes   yes",
  "report-events": "      401 403    403      403      yes   403  yes   yes",
  "list-attention": "     401 yes    yes      yes      403   403  yes   yes",
  "list-overview": "      401 yes    yes      yes      403   403  yes   yes",
  "show-moment": "        401 yes    yes      yes      403   403  yes   yes",
  "list-audit-rows": "    401 yes    yes      yes      403   403  yes   yes",
  "verify-audit": "       401 yes    yes      yes      403   403  yes   yes",
  "show-inspect": "       yes yes    yes      yes      yes   yes  yes   yes",
  "show-start": "         yes yes    yes      yes      yes   yes  yes   yes",
  "show-contract": "      yes yes    yes      yes      yes   yes  yes   yes",
  "show-docs": "          yes yes    yes      yes      yes   yes  yes   yes",
  "show-style": "         yes yes    yes      yes      yes   yes  yes   yes",
  "show-script": "        yes yes    yes      yes      yes   yes  yes   yes",
};

const callers = ["none", ...roles, "local"] as const;

/** Of the table; `undefined` where it says nothing. */
function expectedOf(operation: Operation): string[] | undefined {
  return mayAsk[operation.name]?.trim().split(/\s+/);
}

/** Other than the examples: what an agent may send too, and what does not have to be drawn. */
const asked: Readonly<Record<string, Operation["example"]>> = {
  "send-event": { params: { id: "node/alpha" }, body: { type: "drain.progressed", remaining: 1 } },
  "show-diagram": { params: { machine: "none" } },
  "poll-dispatch": { query: { host: "alpha", agent: "a.1", wait: 0 } },
  "report-events": {
    body: {
      host: "alpha",
      agent: "a.1",
      rolloutId: "stable@v41",
      events: [{ seq: 1, event: { type: "activation.started" } }],
    },
  },
};

async function askFor(ask: Ask, operation: Operation, headers: Record<string, string>): Promise<string> {
  const { method, name } = operation;
  const { params, query, body } = asked[name] ?? operation.example ?? {};
  const search = new URLSearchParams((query ?? {}) as Record<string, string>).toString();
  const texts = Object.entries(params ?? {}).map(([key, value]) => [key, String(value)]);
  const path = pathOf(operation, Object.fromEntries(texts) as Record<string, string>);
  const { status, body: answer } = await ask(
    isStream(operation) ? "HEAD" : method,
    search === "" ? path : `${path}?${search}`,
    { headers, ...(body !== undefined && { body }) },
  );
  if (status === 401 || status === 403) {
    if (answer !== undefined) expect(answer.code).toBe(status === 401 ? "unauthenticated" : "forbidden");
    return String(status);
  }
  expect(status, `${name}: ${JSON.stringify(answer)}`).toBeLessThan(500);
  return "yes";
}

async function askForAll(site: { ask: Ask }, headers: Record<string, string>): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const operation of operations) answers[operation.name] = await askFor(site.ask, operation, headers);
  return answers;
}

function columnOf(caller: (typeof callers)[number]): Record<string, string> {
  const index = callers.indexOf(caller);
  return Object.fromEntries(operations.map((each) => [each.name, expectedOf(each)?.[index] ?? "not in the table"]));
}

describe("the table of permissions", () => {
  it("has a full row for each operation and no other, and what is open in it is open", () => {
    expect(Object.keys(mayAsk).toSorted()).toEqual(operations.map(({ name }) => name).toSorted());
    for (const operation of operations) {
      const expected = expectedOf(operation);
      expect(expected, operation.name).toHaveLength(callers.length);
      expect(expected?.[0], operation.name).toBe(operation.permission === "open" ? "yes" : "401");
    }
  });

  it("is kept for every role", async () => {
    const site = await createGuardedSite({ hasFleet: true });
    const tokens = await site.admit(...roles);
    await site.engine.create({ machine: "nodeMaintenance", id: "node/alpha", input: { node: "alpha" } });

    const answers = new Map<string, object>();
    for (const role of roles) answers.set(role, await askForAll(site, bearer(tokens[role])));

    for (const role of roles) expect(answers.get(role), role).toEqual(columnOf(role));
  });

  it("is kept for whoever has no token", async () => {
    const site = await createGuardedSite({ hasFleet: true });
    await site.admit(...roles);

    expect(await askForAll(site, {})).toEqual(columnOf("none"));
  });

  it("is kept where there are no tokens at all", async () => {
    const site = await createSite({ hasFleet: true });
    await site.engine.create({ machine: "nodeMaintenance", id: "node/alpha", input: { node: "alpha" } });

    expect(await askForAll(site, {})).toEqual(columnOf("local"));
  });

  it.each(["expired", "revoked", "wrong", "malformed"])(
    "lets a token that is %s ask what is open only",
    async (kind) => {
      const site = await createGuardedSite();
      const { admin } = await site.admit("admin");
      if (kind === "expired") await site.clock.advance(91 * 86_400_000);
      if (kind === "revoked") await site.admit("viewer");
      const sent =
        { expired: admin, revoked: admin, wrong: `${admin.slice(0, -1)}_`, malformed: admin.slice(1) }[kind] ?? "";

      expect(await askForAll(site, bearer(sent))).toEqual(columnOf("none"));
    },
  );
});

const gateEvents = {
  ask: sentBy("person", {}),
  approve: approval(sentBy("person", {})),
  report: sentBy("agent", {}),
  perform: sentBy("provider", {}),
  tell: sentBy(["person", "agent"], {}),
  tick: sentBy("engine", {}),
};

const heard = { description: "Heard, and that is all." };

/** Hears an event of each kind of sender. */
const gate: Machine = {
  name: "gate",
  input: z.strictObject({}),
  events: gateEvents,
  laws: {},
  examples: () => [],
  abstract: () => null,
  chart: setup({ types: { events: {} as { type: keyof typeof gateEvents } } }).createMachine({
    id: "gate",
    options: { maxIterations: 50 },
    initial: "Open",
    states: {
      Open: {
        description: "It listens.",
        meta: { waitingFor: "any event", noDeadline: "it is for tests" },
        on: { ask: heard, approve: heard, report: heard, perform: heard, tell: heard, tick: heard },
      },
    },
  }),
};

/** Who may send what, to `gate/alpha`. `engine`: 403 `internal-event`. */
const maySend: Readonly<Record<string, string>> = {
  //         viewer    operator  approver  alpha     beta      admin    local
  ask: "     forbidden yes       yes       forbidden forbidden yes      yes",
  approve: " forbidden forbidden yes       forbidden forbidden yes      forbidden",
  report: "  forbidden forbidden forbidden yes       forbidden yes      yes",
  perform: " forbidden forbidden forbidden forbidden forbidden yes      yes",
  tell: "    forbidden yes       yes       yes       forbidden yes      yes",
  tick: "    forbidden engine    engine    engine    forbidden engine   engine",
};

type EventSender = {
  role: TokenRole | "local";
  site: Pick<GuardedSite, "ask" | "engine">;
  headers: Record<string, string>;
};

async function eventSenders(): Promise<EventSender[]> {
  const machines = [...ours, gate];
  const guarded = await createGuardedSite({ machines });
  const open = await createSite({ machines });
  const tokens = await guarded.admit(...roles);
  for (const { engine } of [guarded, open]) await engine.create({ machine: "gate", id: "gate/alpha", input: {} });
  return [
    ...roles.map((role) => ({ role, site: guarded, headers: bearer(tokens[role]) })),
    { role: "local" as const, site: open, headers: {} },
  ];
}

function codeOf({ status, body }: { status: number; body: Json }): string {
  if (status === 200) return "yes";
  return body.code === "internal-event" ? "engine" : String(body.code);
}

describe("who may send an event", () => {
  const path = "/v1/instances/gate%2Falpha/events";

  it.each(["an event", "a dry run"])("is decided by its schema, for %s", async (way) => {
    const senders = await eventSenders();

    for (const [type, row] of Object.entries(maySend)) {
      const answers: string[] = [];
      for (const { site, headers } of senders) {
        const target = way === "a dry run" ? `${path}?dryRun=true` : path;
        answers.push(codeOf(await site.ask("POST", target, { headers, body: { type } })));
      }
      expect(answers, type).toEqual(row.trim().split(/\s+/));
    }
  });

  it("is decided for each move of a transaction, and the answer names the move", async () => {
    const senders = await eventSenders();

    for (const [type, row] of Object.entries(maySend)) {
      for (const [index, { role, site, headers }] of senders.entries()) {
        const expected = row.trim().split(/\s+/)[index];
        const moves = [
          { create: { machine: "gate", id: `gate/${type}/${index}`, input: {} } },
          { id: `gate/${type}/${index}`, event: { type } },
        ];
        const answer = await site.ask("POST", "/v1/transactions", { headers, body: { moves } });

        const mayTransact = role !== "viewer" && !role.startsWith("agent:");
        expect(codeOf(answer), `${role} ${type}`).toBe(mayTransact ? expected : "forbidden");
        if (mayTransact && expected !== "yes") expect(answer.body.move).toBe(1);
        const { items } = await site.engine.list({ machine: "gate" });
        expect(items.some(({ id }) => id === `gate/${type}/${index}`)).toBe(answer.status === 200);
      }
    }
  });

  it("does not keep a reader from asking what an event would do, and is told with the verdict", async () => {
    const senders = await eventSenders();
    const readers = senders.filter(({ role }) => !role.startsWith("agent:"));

    for (const { role, site, headers } of readers) {
      const explained = await site.ask("POST", "/v1/instances/gate%2Falpha/explain", {
        headers,
        body: { type: "approve" },
      });

      expect([explained.status, explained.body.verdict.outcome]).toEqual([200, "unchanged"]);
      const isForbidden = role !== "approver" && role !== "admin";
      expect(typeof explained.body.verdict.forbidden, role).toBe(isForbidden ? "string" : "undefined");
    }
  });

  it("says which role it takes, and of an approval that it takes authentication", async () => {
    const senders = await eventSenders();
    const told = async (role: string, type: string) => {
      const sender = senders.find((each) => each.role === role) as EventSender;
      const { body } = await sender.site.ask("POST", path, { headers: sender.headers, body: { type } });
      return String(body.detail);
    };

    expect(await told("operator", "report")).toBe(
      "operator is an operator and may not send report; it takes agent or admin.",
    );
    expect(await told("operator", "approve")).toContain("an approval; it takes approver or admin");
    expect(await told("local", "approve")).toContain("approvals need authentication");
    expect(await told("agent:beta", "report")).toContain("of its own host only");
    expect(await told("viewer", "ask")).toBe(
      "viewer is a viewer and may not send events; it takes a role that may send this one, and `explain` with its type says which.",
    );
    const viewer = senders.find((each) => each.role === "viewer") as EventSender;
    const asked = { headers: viewer.headers, body: { type: "ask" } };
    const explained = await viewer.site.ask("POST", path.replace(/events$/, "explain"), asked);
    expect(explained.body.verdict.forbidden).toContain("it takes operator or approver or admin");
  });

  it("is not told to the agent of another host, nor whether there is such an instance", async () => {
    const site = await createGuardedSite();
    const tokens = await site.admit("agent:beta");
    const headers = bearer(tokens["agent:beta"]);

    const answer = await site.ask("POST", "/v1/instances/gate%2Fnone/events", { headers, body: { type: "report" } });

    expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
  });

  it("goes into the journal as the principal of the token, whatever else is sent", async () => {
    const site = await createGuardedSite({ machines: [...ours, gate] });
    const { operator } = await site.admit("operator");
    await site.engine.create({ machine: "gate", id: "g", input: {} });
    const headers = { ...bearer(operator), "X-Principal": "root", "X-Forwarded-User": "root" };

    await site.ask("POST", "/v1/instances/g/events", { headers, body: { type: "ask" } });
    const forged = await site.ask("POST", "/v1/instances/g/events", {
      headers,
      body: { type: "ask", principal: "root" },
    });

    const { entries } = await site.engine.journal({ instance: "g" });
    expect(entries.at(-1)).toMatchObject({ principal: "operator" });
    expect(forged.body.code).toBe("invalid-request");
  });
});

describe("an instance is of a host", () => {
  it("when its id is the host's name or ends in it after a slash", () => {
    const own = ["alpha", "node/alpha", "stable@v7/alpha", "stable@v7~2/alpha", "a/b/alpha"];
    const foreign = ["", "node/beta", "alpha/x", "node/alpha2", "node/xalpha", "node/alpha/", "node/ALPHA"];

    expect(own.filter((id) => isOfHost(id, "alpha"))).toEqual(own);
    expect(foreign.filter((id) => isOfHost(id, "alpha"))).toEqual([]);
  });
});
