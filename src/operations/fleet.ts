import { z } from "zod";
import type { FleetContext } from "../../machines/fleet/fleet.ts";
import { countedStates } from "../../machines/host/states.ts";
import { isSignalboxError, SignalboxError } from "../core/errors.ts";
import type { Engine } from "../engine/engine.ts";
import { ifThere } from "../engine/if-there.ts";
import type { ControlPlane, RolloutRecord } from "../fleet/control-plane.ts";
import { fleetDocumentIdOf, fleetId } from "../fleet/instance-ids.ts";
import type { Fleet } from "../planning/fleet.ts";
import { parseFleet } from "../planning/parse-fleet.ts";
import { asked, versionOf } from "./asked.ts";
import { fleetOf } from "./fleet-of.ts";
import { lineOf } from "./line.ts";
import { operation } from "./operation.ts";
import { quarantinesOf } from "./quarantines.ts";
import { application, declaration, fleetStatus } from "./rollout-schemas.ts";
import { rolloutSummary } from "./rollout-wire.ts";
import { timeText } from "./wire.ts";

/** 100,000 hosts, each with a few tags, have 6 MiB. */
const documentBytesMax = 8_388_608;

export const showFleet = operation({
  name: "show-fleet",
  summary: "What is declared, and where each channel is.",
  method: "GET",
  path: "/v1/fleet",
  permission: "read",
  answers: { 200: { description: "The fleet.", schema: fleetStatus } },
  errors: ["not-found"],
  isChange: false,
  async run(_asked, _caller, workplace) {
    const fleet = fleetOf(workplace);
    const { engine } = workplace;
    const declared = fleet.fleet();
    const quarantines = await quarantinesOf(engine);
    const channels = await channelsOf(fleet, declared);
    return {
      status: 200,
      body: {
        ...(await declarationOf(engine)),
        fault: faultOf(fleet),
        line: await lineOf(engine),
        contested: fleet.contested().map((each) => ({ ...each, since: timeText(each.since) })),
        channels: channels.map(({ channel, ref, hosts, newest }) => ({
          channel,
          ref,
          hosts,
          rollout: newest === undefined ? null : rolloutSummary(newest),
          quarantined: (quarantines.get(channel) ?? []).map((each) => ({
            ref: each.ref,
            reason: each.reason,
            since: each.since,
          })),
        })),
        hosts: {
          total: declared?.hosts.size ?? 0,
          byState: sumsOf(channels.flatMap(({ newest }) => (newest === undefined ? [] : [newest]))),
        },
      },
    };
  },
});

function faultOf(fleet: ControlPlane) {
  const fault = fleet.declarationFault();
  return fault && { ...fault, since: timeText(fault.since) };
}

interface ChannelStatus {
  channel: string;
  ref: string;
  hosts: number;
  newest: RolloutRecord | undefined;
}

async function channelsOf(fleet: ControlPlane, declared: Fleet | undefined): Promise<ChannelStatus[]> {
  if (declared === undefined) return [];
  const hosts = Map.groupBy(declared.hosts.values(), ({ channel }) => channel);
  const channels = [...declared.channels.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return Promise.all(
    channels.map(async ({ name, ref }) => {
      const [newest] = await fleet.rollouts({ channel: name, limit: 1 });
      return { channel: name, ref, hosts: hosts.get(name)?.length ?? 0, newest };
    }),
  );
}

/** States that no host is counted as are left out. */
function sumsOf(rollouts: readonly RolloutRecord[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { waves } of rollouts) {
    for (const wave of waves) {
      for (const state of countedStates) if (wave[state] > 0) sums[state] = (sums[state] ?? 0) + wave[state];
    }
  }
  return sums;
}

/** Which declaration holds, and since when. */
async function declarationOf(engine: Engine) {
  const { hash = null, appliedAt = null, appliedBy = null } = await fleetContext(engine);
  return { hash, appliedAt: timeText(appliedAt), appliedBy };
}

async function fleetContext(engine: Engine): Promise<Partial<FleetContext>> {
  return (await ifThere(engine.read(fleetId)))?.context ?? {}; // not there as long as nobody has declared one
}

export const showDeclaration = operation({
  name: "show-declaration",
  summary: "The declaration that holds, as it was given.",
  method: "GET",
  path: "/v1/fleet/declaration",
  permission: "read",
  answers: { 200: { description: "The declaration.", schema: declaration } },
  errors: ["not-found"],
  isChange: false,
  async run(_asked, _caller, workplace) {
    fleetOf(workplace);
    const { engine } = workplace;
    const { hash = null } = await fleetContext(engine);
    if (hash === null) throw new SignalboxError("not-found", "No fleet has been declared yet.");
    const { row } = await engine.head(fleetDocumentIdOf(hash));
    const { content } = JSON.parse(row.input) as { content: Record<string, unknown> };
    return { status: 200, body: { hash, document: content } };
  },
});

export const applyFleet = operation({
  name: "apply-fleet",
  summary:
    "Declares the fleet, and opens a rollout for each channel whose version has changed; `dryRun=true` only compares.",
  method: "POST",
  path: "/v1/fleet",
  query: z.strictObject({
    dryRun: z.enum(["true", "false"]).optional().meta({ description: "Whether to tell only what would change." }),
  }),
  body: z.strictObject({
    document: z
      .record(z.string(), z.unknown())
      .meta({ description: "The declaration: channels, hosts, policies and so on." }),
  }),
  bodyBytesMax: documentBytesMax,
  permission: "operate",
  answers: { 200: { description: "What it changes.", schema: application, headers: ["ETag"] } },
  errors: ["not-found", "event-refused", "already-exists", "version-mismatch", "needs-migration", "machine-fault"],
  example: {
    query: { dryRun: "true" },
    body: {
      document: {
        channels: { stable: { ref: "v41", policy: "careful" } },
        hosts: { "web-[1-3]": { channel: "stable", tags: ["web"] } },
        policies: { careful: { waves: [{ name: "all", hosts: { all: true }, soak: "10m" }] } },
      },
    },
  },
  isChange: true,
  isOfVersion: true,
  async run({ query, body: { document } }, caller, workplace) {
    const fleet = fleetOf(workplace);
    const declared = declarationIn(document);
    const isDryRun = query.dryRun === "true";
    const options = { ...asked(caller), ...versionOf(caller) };
    const applied = isDryRun ? await fleet.compare(declared, options) : await fleet.apply(declared, document, options);
    const { hash, version, difference, rollouts, replayed } = applied;
    const { channels, hosts, parts } = difference;
    return {
      status: 200,
      version,
      body: {
        hash,
        version,
        difference: {
          channels: [...channels],
          hosts: { added: [...hosts.added], removed: [...hosts.removed], changed: [...hosts.changed] },
          parts: [...parts],
        },
        rollouts: rollouts.map((each) => ({ ...each })),
        applied: !isDryRun,
      },
      ...(replayed && { replayed }),
    };
  },
});

/** Throws `invalid-request` with every fault, each where it stands in the body. */
function declarationIn(document: unknown): Fleet {
  try {
    return parseFleet(document);
  } catch (error) {
    if (!isSignalboxError(error, "invalid-request")) throw error;
    const errors = error.errors.map((each) => ({ ...each, pointer: `/document${each.pointer}` }));
    throw new SignalboxError("invalid-request", error.detail, { errors });
  }
}
