/** Whether a host name or an address, without port and brackets, means this machine and no other. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === "localhost" || host === "::1" || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(host);
}

/** Whom to count an address for: itself, or the /64 of an IPv6 one, which a single customer is given whole. */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return "local socket";
  if (address.startsWith("::ffff:")) return address.slice("::ffff:".length); // IPv4 on a socket for both
  if (!address.includes(":")) return address;
  const [left = [], right = []] = address.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  return `${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}
