import type { Method } from "../operations/operation.ts";
import type { OperationName } from "./types.ts";

export interface Route {
  method: Method;
  path: string;
  /** Carries an idempotency key. */
  isChange?: true;
  /** May be answered a minute later. */
  waits?: true;
}

/**
 * Where each operation is found: all but streams and pages for browsers. A copy, since the operations bring the whole server with
 * them; a test holds it to them.
 */
export const routes = {
  "show-start": { method: "GET", path: "/" },
  liveness: { method: "GET", path: "/livez" },
  readiness: { method: "GET", path: "/readyz" },
  metrics: { method: "GET", path: "/metrics" },
  "list-machines": { method: "GET", path: "/v1/machines" },
  "show-machine": { method: "GET", path: "/v1/machines/:machine" },
  "show-diagram": { method: "GET", path: "/v1/machines/:machine/diagram.svg" },
  "create-instance": { method: "POST", path: "/v1/instances", isChange: true },
  "list-instances": { method: "GET", path: "/v1/instances" },
  "show-instance": { method: "GET", path: "/v1/instances/:id" },
  "send-event": { method: "POST", path: "/v1/instances/:id/events", isChange: true },
  transact: { method: "POST", path: "/v1/transactions", isChange: true },
  "explain-instance": { method: "GET", path: "/v1/instances/:id/explain" },
  "explain-event": { method: "POST", path: "/v1/instances/:id/explain" },
  "show-journal": { method: "GET", path: "/v1/instances/:id/journal" },
  "show-moment": { method: "GET", path: "/v1/instances/:id/journal/:seq" },
  "list-journal": { method: "GET", path: "/v1/journal" },
  "list-pending": { method: "GET", path: "/v1/pending" },
  "retry-pending": { method: "POST", path: "/v1/pending/:key/retry", isChange: true },
  "discard-pending": { method: "POST", path: "/v1/pending/:key/discard", isChange: true },
  "list-attention": { method: "GET", path: "/v1/attention" },
  "list-overview": { method: "GET", path: "/v1/overview" },
  verify: { method: "POST", path: "/v1/verify" },
  "list-audit-rows": { method: "GET", path: "/v1/audit" },
  "verify-audit": { method: "POST", path: "/v1/audit/verify" },
  "list-nodes": { method: "GET", path: "/v1/nodes" },
  "show-node": { method: "GET", path: "/v1/nodes/:node" },
  "enter-maintenance": { method: "POST", path: "/v1/nodes/:node/maintenance/enter", isChange: true },
  "exit-maintenance": { method: "POST", path: "/v1/nodes/:node/maintenance/exit", isChange: true },
  "abort-maintenance": { method: "POST", path: "/v1/nodes/:node/maintenance/abort", isChange: true },
  "retry-maintenance": { method: "POST", path: "/v1/nodes/:node/maintenance/retry", isChange: true },
  "cordon-node": { method: "POST", path: "/v1/nodes/:node/cordon", isChange: true },
  "uncordon-node": { method: "POST", path: "/v1/nodes/:node/uncordon", isChange: true },
  "show-fleet": { method: "GET", path: "/v1/fleet" },
  "apply-fleet": { method: "POST", path: "/v1/fleet", isChange: true },
  "show-declaration": { method: "GET", path: "/v1/fleet/declaration" },
  "list-rollouts": { method: "GET", path: "/v1/rollouts" },
  "open-rollout": { method: "POST", path: "/v1/rollouts", isChange: true },
  "show-rollout": { method: "GET", path: "/v1/rollouts/:rollout" },
  "show-rollout-plan": { method: "GET", path: "/v1/rollouts/:rollout/plan" },
  "list-rollout-hosts": { method: "GET", path: "/v1/rollouts/:rollout/hosts" },
  "explain-rollout-host": { method: "GET", path: "/v1/rollouts/:rollout/hosts/:host" },
  "list-rollout-events": { method: "GET", path: "/v1/rollouts/:rollout/events" },
  "pause-rollout": { method: "POST", path: "/v1/rollouts/:rollout/pause", isChange: true },
  "resume-rollout": { method: "POST", path: "/v1/rollouts/:rollout/resume", isChange: true },
  "promote-rollout": { method: "POST", path: "/v1/rollouts/:rollout/promote", isChange: true },
  "approve-rollout": { method: "POST", path: "/v1/rollouts/:rollout/approve", isChange: true },
  "cancel-rollout": { method: "POST", path: "/v1/rollouts/:rollout/cancel", isChange: true },
  "clear-rollout": { method: "POST", path: "/v1/rollouts/:rollout/clear", isChange: true },
  "abort-rollout": { method: "POST", path: "/v1/rollouts/:rollout/abort", isChange: true },
  "retry-rollout": { method: "POST", path: "/v1/rollouts/:rollout/retry", isChange: true },
  "undo-channel": { method: "POST", path: "/v1/channels/:channel/undo", isChange: true },
  "excuse-host": { method: "POST", path: "/v1/rollouts/:rollout/hosts/:host/excuse", isChange: true },
  "list-quarantines": { method: "GET", path: "/v1/quarantines" },
  "clear-quarantine": { method: "POST", path: "/v1/quarantines/:channel/:ref/clear", isChange: true },
  "show-freeze": { method: "GET", path: "/v1/freeze" },
  "freeze-line": { method: "POST", path: "/v1/freeze", isChange: true },
  "thaw-line": { method: "DELETE", path: "/v1/freeze", isChange: true },
  "poll-dispatch": { method: "GET", path: "/v1/agent/dispatch", waits: true },
  "report-events": { method: "POST", path: "/v1/agent/events" },
  "show-contract": { method: "GET", path: "/openapi.json" },
} as const satisfies Partial<Record<OperationName, Route>>;
