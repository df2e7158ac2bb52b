import type { Method } from "../operations/operation.ts";
import type { OperationName } from "./types.ts";

export interface Route {
  method: Method;
  path: string;
  /** Carries an idempotency key. */
  isChange?: true;
}

/**
 * Where each operation is found: all but streams and pages for browsers. A copy, since the operations bring the whole server with
 * them; a test holds it to them.
 */
export const routes = {
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
  "show-contract": { method: "GET", path: "/openapi.json" },
} as const satisfies Partial<Record<OperationName, Route>>;
