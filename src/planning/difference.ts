/** What one declaration changes of another. Names in order. */
export interface FleetDifference {
  readonly channels: readonly { readonly channel: string; readonly from: string | null; readonly to: string | null }[];
  readonly hosts: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  /** Other parts that differ: `policies/standard`, `budgets`, `hostEdges`, `channelEdges`, `freezes`, `retention`. */
  readonly parts: readonly string[];
}
