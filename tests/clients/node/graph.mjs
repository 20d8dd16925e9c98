// The client of the Graph SDK for JavaScript, made as its documentation does it, with our addresses.
import assert from "node:assert/strict";

import { Client, GraphError } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";

import { ORIGIN, SCOPE, credentialOf } from "./place.mjs";

// The host without its port, else the client sends no token.
const customHosts = new Set([new URL(ORIGIN).hostname]);

export function connectWith(authProvider) {
  return Client.initWithMiddleware({ baseUrl: `${ORIGIN}/`, customHosts, authProvider });
}

export function connect(app) {
  return connectWith(new TokenCredentialAuthenticationProvider(credentialOf(app), { scopes: [SCOPE] }));
}

export async function failureOf(promise) {
  const failure = await promise.then(
    () => assert.fail("It was answered."),
    (error) => error
  );
  assert.ok(failure instanceof GraphError, String(failure));
  return failure;
}
