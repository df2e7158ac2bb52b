import { operation } from "./operation.ts";
import { readinessChecks } from "./readiness-checks.ts";

export const metrics = operation({
  name: "metrics",
  summary: "What happens here in figures, for Prometheus.",
  method: "GET",
  path: "/metrics",
  permission: "read",
  answers: { 200: { description: "The text format of Prometheus.", contentType: "text/plain" } },
  isChange: false,
  async run(_asked, _caller, workplace) {
    const checks = await readinessChecks(workplace);
    const passing = Object.fromEntries(checks.map(({ name, isPassing }) => [name, isPassing]));
    const { version, figures } = workplace;
    const { contentType, text } = await figures.exposition({ checks: passing, version });
    return { status: 200, contentType, body: text };
  },
});
