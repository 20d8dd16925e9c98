// Refuses every name but the loopback's: no client may ask anybody else for anything.
import dns from "node:dns";

const loopback = new Set(["localhost", "127.0.0.1", "::1"]);
const lookup = dns.lookup;

dns.lookup = (name, ...rest) => {
  if (!loopback.has(name)) {
    throw new Error(`The client asked for ${name}.`);
  }
  return lookup(name, ...rest);
};
