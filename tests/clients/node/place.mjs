// What the tests are given: the server, the app that writes, the app that reads.
import { ClientSecretCredential } from "@azure/identity";

export const { ORIGIN, TENANT, GENERATED } = process.env;
export const writer = { id: process.env.CLIENT_ID, secret: process.env.CLIENT_SECRET };
export const reader = { id: process.env.READER_ID, secret: process.env.READER_SECRET };
export const SCOPE = "https://graph.microsoft.com/.default";
export const DAYS = 12;
export const CONTROLS = 206;

// Ids as the server was given them: control-007, and the score of a day of January 2026.
export const controlId = (number) => `control-${String(number).padStart(3, "0")}`;
export const scoreId = (day) => `${TENANT}_2026-01-${String(day).padStart(2, "0")}`;
export const newestFirst = Array.from({ length: DAYS }, (_, index) => scoreId(DAYS - index));

export const vendorInformation = {
  provider: "SecureScore",
  vendor: "Microsoft",
  providerVersion: null,
  subProvider: null,
};

export function credentialOf(app, origin = ORIGIN) {
  return new ClientSecretCredential(TENANT, app.id, app.secret, {
    authorityHost: origin,
    disableInstanceDiscovery: true,
  });
}

// The generic clients know nothing of Entra: they are handed a token.
export async function headersOf(app) {
  const { token } = await credentialOf(app).getToken(SCOPE);
  return { Authorization: `Bearer ${token}` };
}
