import type { InstanceView } from "../client/index.ts";

/** An instance for people. */
export function describeInstance(instance: InstanceView): string[] {
  const { id, machine, version, state, status, tags, since, waitingFor, hears } = instance;
  return [
    `${id}  ${machine} v${version}`,
    `  state   ${state} since ${since}${status === "active" ? "" : ` (${status})`}`,
    ...(tags.length > 0 ? [`  tags    ${tags.join(", ")}`] : []),
    ...waitingFor.map(describeWait),
    ...(hears.length > 0 ? [`  hears   ${hears.map(({ type }) => type).join(", ")}`] : []),
  ];
}

export function describeWait({ region, what, since, until, overdue }: InstanceView["waitingFor"][number]): string {
  const limit = until === null ? "no deadline" : `until ${until}${overdue ? ", OVERDUE" : ""}`;
  return `  waits   ${region}: ${what} (since ${since}, ${limit})`;
}
