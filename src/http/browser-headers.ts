import helmet from "helmet";

/**
 * What an answer lets a browser do: nothing, and no other site may read it. Pages say more for themselves. Speaking TLS, and
 * promising it, is the business of what stands before the server.
 */
export const setBrowserHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
  },
  strictTransportSecurity: false,
  xFrameOptions: { action: "deny" },
});
