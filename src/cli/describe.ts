export interface WaitBody {
  region: string;
  what: string;
  since: string;
  until: string | null;
  overdue: boolean;
}

/** An instance as the server tells it, as far as commands show it. */
export interface InstanceBody {
  id: string;
  machine: string;
  version: number;
  state: string;
  value: unknown;
  status: string;
  tags: string[];
  context: Record<string, unknown>;
  since: string;
  deadline: string | null;
  waitingFor: WaitBody[];
  hears: { type: string; needs: string[] }[];
}

/** An instance for people. */
export function describeInstance(instance: InstanceBody): string[] {
  const { id, machine, version, state, status, tags, since, waitingFor, hears } = instance;
  return [
    `${id}  ${machine} v${version}`,
    `  state   ${state} since ${since}${status === "active" ? "" : ` (${status})`}`,
    ...(tags.length > 0 ? [`  tags    ${tags.join(", ")}`] : []),
    ...waitingFor.map(describeWait),
    ...(hears.length > 0 ? [`  hears   ${hears.map(({ type }) => type).join(", ")}`] : []),
  ];
}

export function describeWait({ region, what, since, until, overdue }: WaitBody): string {
  const limit = until === null ? "no deadline" : `until ${until}${overdue ? ", OVERDUE" : ""}`;
  return `  waits   ${region}: ${what} (since ${since}, ${limit})`;
}
