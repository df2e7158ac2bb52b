import fc from "fast-check";
import type { Operation } from "../../src/operations/operation.ts";
import { requestsTo, type Request, type RequestWorld } from "./requests.ts";

/** One request as it goes over the wire. */
export interface Shot {
  operation: Operation;
  bytes: Buffer;
  isHead: boolean;
  /** It still asks that operation, so that its documented answers are all that there may be. */
  isOnTarget: boolean;
  /** Its length is wrong: the connection is of no use after it. */
  isCut: boolean;
}

/** Requests that nearly fit, and what happens to them on the way. */
export function shotsAt(operation: Operation, world: RequestWorld): fc.Arbitrary<Shot> {
  return fc
    .record({
      request: requestsTo(operation, world),
      body: inOneOf(3, bodyFault),
      header: inOneOf(4, headerFault),
      target: inOneOf(12, targetFault),
      framing: inOneOf(50, framingFault),
    })
    .map((parts) => shot(operation, parts));
}

function inOneOf<T>(count: number, fault: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: count - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fault });
}

interface Parts {
  request: Request;
  body: ((json: string) => Buffer) | null;
  header: readonly string[] | null;
  target: ((request: { method: string; path: string }) => { method: string; path: string }) | null;
  framing: ((message: Message) => Buffer) | null;
}

interface Message {
  start: string;
  lines: readonly string[];
  content: Buffer;
}

function shot(operation: Operation, { request, body, header, target, framing }: Parts): Shot {
  const { headers = {}, body: value, raw } = request.asked;
  const json = value === undefined ? undefined : (JSON.stringify(value) ?? "null");
  const content = json === undefined ? Buffer.from(raw ?? "") : (body?.(json) ?? Buffer.from(json));
  const { method, path } = target?.(request) ?? request;
  const type = json === undefined ? [] : ["Content-Type: application/json"];
  const own = Object.entries(headers).map(([name, text]) => `${name}: ${headerText(text)}`);
  const lines = ["Host: localhost", ...type, ...own, ...(header ?? [])];
  const message: Message = { start: `${method} ${path} HTTP/1.1`, lines, content };
  return {
    operation,
    bytes: (framing ?? framed)(message),
    isHead: method === "HEAD",
    isOnTarget: target === null && framing === null,
    isCut: framing !== null,
  };
}

/** With the right length. */
function framed({ start, lines, content }: Message): Buffer {
  return written(start, [...lines, `Content-Length: ${content.length}`], content);
}

function written(start: string, lines: readonly string[], content: Buffer | string): Buffer {
  return Buffer.concat([
    Buffer.from(`${[start, ...lines].join("\r\n")}\r\n\r\n`, "latin1"),
    typeof content === "string" ? Buffer.from(content) : content,
  ]);
}

/** What cannot stand in a header at all would only be refused by the parser. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

/** Texts in the place of a JSON value. */
const oddValues = [
  "1e400",
  "-1e400",
  "-0",
  "NaN",
  "Infinity",
  "0x10",
  "01",
  "1.",
  "9007199254740993",
  "-9223372036854775809",
  "0.1",
  "-1",
  "null",
  "true",
  "[]",
  "{}",
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"__proto__"',
  '"constructor"',
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"toString":1,"valueOf":null,"hasOwnProperty":0}',
  '{"length":1e9}',
  '{"$ref":"#"}',
  '{"secret":"env:PATH"}',
  '"xstate.done.actor.x"',
  deep(31),
  deep(33),
  deep(2_000),
  `"${"x".repeat(5_000)}"`,
  `[${"0,".repeat(2_000)}0]`,
];

const oddKeys = [
  '"__proto__":{}',
  '"constructor":1',
  '"prototype":null',
  '"toString":1',
  '"at":1',
  '"principal":"root"',
  '"type":"xstate.init"',
  '"type":1',
  '"":0',
  '"\\u0000":0',
  '"id":"../.."',
  '"slots":["racks"]',
];

const valuePattern = /:(?:"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|true|false|null)/g;

function replaceValue(json: string, at: number, by: string): string {
  const places = [...json.matchAll(valuePattern)];
  const place = places[at % Math.max(places.length, 1)];
  if (place === undefined) return by;
  return `${json.slice(0, place.index)}:${by}${json.slice(place.index + place[0].length)}`;
}

function dropPart(json: string, at: number): string {
  const places = [...json.matchAll(/"(?:[^"\\]|\\.)*":(?:"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|true|false|null),?/g)];
  const place = places[at % Math.max(places.length, 1)];
  return place === undefined ? "{}" : json.slice(0, place.index) + json.slice(place.index + place[0].length);
}

const huge = fc
  .constantFrom(262_144, 262_145, 400_000)
  .map((length) => (): Buffer => Buffer.from(`"${"x".repeat(length - 2)}"`));

const bodyFault: fc.Arbitrary<(json: string) => Buffer> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.oneof({ weight: 1, arbitrary: huge }, { weight: 9, arbitrary: fc.constant(Buffer.from) }),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(fc.nat(20), fc.constantFrom(...oddValues)).map(
      ([at, by]) =>
        (json: string) =>
          Buffer.from(replaceValue(json, at, by)),
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...oddKeys)
      .map((key) => (json: string) => Buffer.from(json.replace("{", json.startsWith("{}") ? `{${key}` : `{${key},`))),
  },
  { weight: 3, arbitrary: fc.nat(20).map((at) => (json: string) => Buffer.from(dropPart(json, at))) },
  { weight: 2, arbitrary: fc.nat(200).map((end) => (json: string) => Buffer.from(json.slice(0, end % json.length))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.nat(50),
        fc.constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80], [0x00], [0xef, 0xbb, 0xbf]),
      )
      .map(([at, odd]) => (json: string) => {
        const bytes = Buffer.from(json);
        const place = at % bytes.length;
        return Buffer.concat([bytes.subarray(0, place), Buffer.from(odd), bytes.subarray(place)]);
      }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", " ", "}", "[", '"', "nul", "{}{}", "\u2028").map((odd) => () => Buffer.from(odd)),
  },
);

/** Whole lines: a second one of a kind is a fault of its own. */
const headerFault: fc.Arbitrary<string[]> = fc.constantFrom(
  ["Content-Type: application/json; charset=utf-16"],
  ["Content-Type: text/plain"],
  ["Content-Type: application/json", "Content-Type: application/json"],
  ["Content-Type:"],
  ["Content-Encoding: gzip"],
  ["Content-Encoding: identity"],
  ["Content-Encoding: br, gzip"],
  ["Idempotency-Key: a", "Idempotency-Key: b"],
  [`Idempotency-Key: ${"k".repeat(256)}`],
  ["Idempotency-Key:"],
  ["If-Match: *"],
  ['If-Match: "v999999999999999"'],
  ['If-Match: W/"v1"'],
  ['If-None-Match: "v1", W/"v2", *'],
  ["If-None-Match: *"],
  ["If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"],
  ["Range: bytes=0-1"],
  ["Accept: text/html;q=NaN"],
  ["Accept-Encoding: *"],
  ["Last-Event-ID: 1"],
  ["Last-Event-ID: -1"],
  ["Last-Event-ID: 1e400"],
  ["Last-Event-ID: 99999999999999999999"],
  ["Last-Event-ID: __proto__"],
  ["X-Request-Id: ../../etc/passwd"],
  [`X-Request-Id: ${"r".repeat(101)}`],
  ["X-Request-Id: a", "X-Request-Id: b"],
  ["X-HTTP-Method-Override: DELETE"],
  ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: example.org"],
  ["X-Original-URL: /v1/instances"],
  ["traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ["traceparent: 00-00000000000000000000000000000000-0000000000000000-00"],
  ["traceparent: ff-x"],
  ["traceparent: a", "traceparent: b"],
  ["tracestate: =,=,="],
  ["Origin: null"],
  ["Origin: http://localhost"],
  ["Origin: ://"],
  ["Sec-Fetch-Site: cross-site"],
  ["Expect: 100-continue"],
  ["Expect: the unexpected"],
  ["Upgrade: websocket", "Connection: Upgrade"],
  ["Connection: close"],
  ["Connection: keep-alive, Host"],
  ["Cookie: token=a"],
  ["Authorization: Bearer"],
  ["Authorization: Bearer signalbox_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
  ["Authorization: Basic OjpvaA=="],
  [`Authorization: Bearer ${"a".repeat(4_000)}`],
  ["Authorization: Bearer a", "Authorization: Bearer b"],
  Array.from({ length: 110 }, (_, index) => `X-${index}: 1`),
  [`X-Long: ${"l".repeat(15_000)}`],
  [`X-Long: ${"l".repeat(17_000)}`],
);

type Target = { method: string; path: string };

const targetFault: fc.Arbitrary<(target: Target) => Target> = fc.oneof(
  fc
    .constantFrom("PUT", "PATCH", "DELETE", "GET", "POST", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "G\u00c9T")
    .map((method) => ({ path }: Target) => ({ method, path })),
  fc
    .constantFrom(
      (path: string) => `${path}/`,
      (path: string) => `/${path}`,
      (path: string) => path.toUpperCase(),
      (path: string) => path.replaceAll("/", "//"),
      (path: string) => path.replaceAll("/", "/./"),
      (path: string) => path.replaceAll("/", "%2f"),
      (path: string) => path.replaceAll("/", "\\"),
      (path: string) => `/v1/..${path}`,
      (path: string) => `/..%2f..%2f..%2fetc%2fpasswd${path}`,
      (path: string) => `${path}%00`,
      (path: string) => `${path}%`,
      (path: string) => `${path}%ff%fe`,
      (path: string) => `${path}%c0%af`,
      (path: string) => `${path};a=b`,
      (path: string) => `${path}#x`,
      (path: string) => `${path}?${"a=1&".repeat(1_000)}`,
      (path: string) => `${path}?__proto__[x]=1&constructor=2`,
      (path: string) => `${path}?a=%ff&=&&==`,
      (path: string) => `http://localhost${path}`,
      (path: string) => `http://example.org:99999${path}`,
      () => `/v1/instances/${"%2e%2e%2f".repeat(100)}`,
      (path: string) => `/v1/instances/${"a".repeat(5_000)}${path}`,
      () => "/v1/instances/%00",
      () => "/v1/machines/__proto__",
      () => "/v1/machines/constructor/diagram.svg",
      () => "/v1/nodes/toString",
      () => "*",
      () => "/\u00ff\u00fe",
    )
    .map((change) => ({ method, path }: Target) => ({ method, path: change(path) })),
);

const framingFault: fc.Arbitrary<(message: Message) => Buffer> = fc.constantFrom<(message: Message) => Buffer>(
  ({ start, lines, content }) => written(start, [...lines, `Content-Length: ${content.length + 10}`], content),
  ({ start, lines, content }) =>
    written(start, [...lines, `Content-Length: ${Math.max(1, content.length - 1)}`], content),
  ({ start, lines, content }) => written(start, [...lines, "Content-Length: 99999999999999999999"], content),
  ({ start, lines, content }) => written(start, [...lines, "Content-Length: -1"], content),
  ({ start, lines, content }) =>
    written(start, [...lines, `Content-Length: ${content.length}`, "Transfer-Encoding: chunked"], content),
  ({ start, lines, content }) => written(start, [...lines, "Transfer-Encoding: chunked"], content),
  ({ start, lines, content }) =>
    written(
      start,
      [...lines, "Transfer-Encoding: chunked"],
      `${content.length.toString(16)}\r\n${content.toString()}\r\n`,
    ),
  ({ start, lines, content }) => written(start, [...lines, "Transfer-Encoding: gzip, chunked"], content),
  ({ start, lines }) => Buffer.from(`${[start, ...lines].join("\r\n")}\r\nX-Half: a`, "latin1"),
  ({ start, lines, content }) => framed({ start: start.replace("1.1", "1.0"), lines, content }),
  ({ start, lines, content }) => framed({ start: start.replace("1.1", "2.0"), lines, content }),
  ({ start, lines, content }) => written(start, lines.slice(1), content),
  ({ start, lines, content }) => written(start, [...lines, "No colon"], content),
  ({ start, lines, content }) => written(start, [...lines, "X-Nul: \u0000"], content),
  ({ start }) => Buffer.from(start.slice(0, 5)),
  ({ content }) => content,
  () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
  () => Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  () => Buffer.from("CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
);
