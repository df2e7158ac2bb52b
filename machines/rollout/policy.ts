/** What follows when hosts fail: stop; stop and let the failed go back; stop and let all go back. */
export const failurePolicies = ["halt", "rollback-and-halt", "rollback-all"] as const;

export type FailurePolicy = (typeof failurePolicies)[number];
