import { learnClock } from "./times.js";

/**
 * @typedef {import("../operations/answer-schemas.ts").InstanceView} InstanceView
 * @typedef {import("../operations/answer-schemas.ts").JournalEntryView} JournalEntryView
 * @typedef {import("../operations/answer-schemas.ts").PendingView} PendingView
 * @typedef {import("../operations/answer-schemas.ts").MachineDetails} MachineDetails
 * @typedef {import("../operations/answer-schemas.ts").MachineSummary} MachineSummary
 * @typedef {import("../operations/answer-schemas.ts").ExplanationView} ExplanationView
 * @typedef {import("../operations/answer-schemas.ts").SentEventView} SentEventView
 * @typedef {import("../operations/answer-schemas.ts").MomentView} MomentView
 * @typedef {import("../operations/answer-schemas.ts").AttentionView} AttentionView
 * @typedef {import("../operations/answer-schemas.ts").OverviewView} OverviewView
 * @typedef {import("../operations/answer-schemas.ts").ProblemDocument} ProblemDocument
 */

/** What the server has against a request: its problem document, or what stands for one when nothing came back. */
export class Problem extends Error {
  /**
   * @param {Partial<ProblemDocument> & { detail: string }} body
   * @param {() => Promise<void>} [askAnother] where the token counts and does not suffice: asks for another one
   */
  constructor(body, askAnother) {
    super(body.detail);
    this.name = "Problem";
    this.body = body;
    this.askAnother = askAnother;
    this.status = body.status ?? 0;
    this.code = body.code;
  }
}

/** The server did not answer: whether it did what was asked is not known. */
export class Unreachable extends Error {}

const tokenKey = "signalbox.token";

/**
 * Asks the server that the page came from. Paths are relative: the page works wherever it is mounted.
 *
 * @param {{ askForToken: (why: string, kept?: string) => Promise<string> }} given
 */
export function createApi({ askForToken }) {
  let token = readToken();
  /** @type {Promise<void> | undefined} */
  let asking;

  /** One dialog, however many requests were refused. @param {string} why @param {string} [kept] */
  function renewToken(why, kept) {
    asking ??= askForToken(why, kept)
      .then((given) => {
        token = given;
        try {
          sessionStorage.setItem(tokenKey, given);
        } catch {
          // it lasts for this page only
        }
      })
      .finally(() => (asking = undefined));
    return asking;
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  async function open(path, init) {
    const sent = token;
    const headers = new Headers(init.headers);
    if (sent !== "") headers.set("Authorization", `Bearer ${sent}`);
    let response;
    try {
      response = await fetch(path, { ...init, headers, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new Unreachable("The server does not answer.");
    }
    learnClock(response);
    if (response.status !== 401) return response;
    if (sent === token) await renewToken(sent === "" ? "" : "That token was not accepted. Is it still valid?");
    return open(path, init);
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   */
  async function json(path, init = {}) {
    const response = await open(path, init);
    const body = await bodyOf(response);
    if (response.ok) return body;
    const problem = /** @type {Partial<ProblemDocument> | null} */ (body);
    const detail = problem?.detail ?? `The server answers ${response.status}.`;
    const sent = token;
    const askAnother = response.status === 403 && sent !== "" ? () => renewToken(detail, sent) : undefined;
    throw new Problem({ ...problem, status: response.status, detail }, askAnother);
  }

  /**
   * @param {string} path
   * @param {unknown} body
   * @param {Record<string, string>} [headers]
   */
  function post(path, body, headers = {}) {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = body === undefined ? {} : { "Content-Type": "application/json" };
    return json(path, { method: "POST", headers: { ...type, ...headers }, ...content });
  }

  const instancePath = (/** @type {string} */ id) => `v1/instances/${encodeURIComponent(id)}`;

  return {
    open,

    /** @returns {Promise<AttentionView>} */
    attention: () => json("v1/attention"),
    /** @returns {Promise<OverviewView>} */
    overview: () => json("v1/overview"),
    /** @returns {Promise<{ items: MachineSummary[] }>} */
    machines: () => json("v1/machines"),
    /** @param {string} name @returns {Promise<MachineDetails>} */
    machine: (name) => json(`v1/machines/${encodeURIComponent(name)}`),
    /** @param {string} name */
    async diagram(name) {
      const response = await open(`v1/machines/${encodeURIComponent(name)}/diagram.svg`, {});
      if (!response.ok) throw new Problem({ status: response.status, detail: "The chart cannot be drawn." });
      return response.text();
    },
    /** @param {URLSearchParams} query @returns {Promise<{ items: InstanceView[], nextCursor: string | null }>} */
    instances: (query) => json(`v1/instances?${query}`),
    /** @param {string} id @returns {Promise<InstanceView>} */
    instance: (id) => json(instancePath(id)),
    /** @param {string} id @param {number} seq @returns {Promise<MomentView>} */
    moment: (id, seq) => json(`${instancePath(id)}/journal/${seq}`),
    /** @param {string} id @param {string} query @returns {Promise<{ entries: JournalEntryView[] }>} */
    journal: (id, query) => json(`${instancePath(id)}/journal?${query}`),
    /** @param {string} id @returns {Promise<{ items: PendingView[], nextCursor: string | null }>} */
    pending: (id) => json(`v1/pending?instance=${encodeURIComponent(id)}&limit=100`),
    /** @param {string} key @param {"retry" | "discard"} what */
    settle: (key, what) =>
      post(`v1/pending/${encodeURIComponent(key)}/${what}`, undefined, { "Idempotency-Key": newKey() }),
    /** What the event would do, also for those who may not send it. @param {string} id @param {object} event @returns {Promise<ExplanationView>} */
    explain: (id, event) => post(`${instancePath(id)}/explain`, event),
    /** @param {string} id @param {object} event @param {{ version: number, key: string }} condition @returns {Promise<SentEventView>} */
    send: (id, event, { version, key }) =>
      post(`${instancePath(id)}/events`, event, { "If-Match": `"v${version}"`, "Idempotency-Key": key }),
  };
}

/** @typedef {ReturnType<typeof createApi>} Api */

function readToken() {
  try {
    return sessionStorage.getItem(tokenKey) ?? "";
  } catch {
    return "";
  }
}

/** @param {Response} response */
async function bodyOf(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/** A key that makes a retry of the same request the same request. `crypto.randomUUID` is for secure contexts only. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A sentence for what went wrong, with what to do.
 *
 * @param {unknown} error
 */
export function sentenceOf(error) {
  if (error instanceof Problem) return error.body.detail;
  if (error instanceof Unreachable)
    return "The server does not answer. Whether it heard this is not known; asking again is safe.";
  return error instanceof Error ? error.message : String(error);
}
