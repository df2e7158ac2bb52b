/** A daemon of the demo's nodes: it runs until it is told to stop. */
const heartbeatMs = 1_000;

setInterval(() => console.log(new Date().toISOString(), "shipping logs"), heartbeatMs);
process.on("SIGTERM", () => process.exit(0));
