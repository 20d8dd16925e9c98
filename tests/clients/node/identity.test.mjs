// @azure/identity and MSAL for Node, unmodified, over TLS: tokens by secret and by certificate, and challenges.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate, createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";

import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createEmptyPipeline,
  createPipelineRequest,
} from "@azure/core-rest-pipeline";
import { ClientCertificateCredential, ClientSecretCredential } from "@azure/identity";
import { ConfidentialClientApplication } from "@azure/msal-node";

import { ORIGIN, SCOPE, TENANT, reader, writer } from "./place.mjs";

const { CERTIFICATE_FILE, SIGNING_ID, PYTHON, STANCHION, DATABASE } = process.env;
const identityOptions = { authorityHost: ORIGIN, disableInstanceDiscovery: true };
// The clients themselves refuse `common` and `organizations` for applications.
const names = [TENANT, "66666666-7777-4888-8999-aaaaaaaaaaaa", "contoso.onmicrosoft.com"];
const pem = readFileSync(CERTIFICATE_FILE, "utf8");
const thumbprint = (algorithm) => createHash(algorithm).update(new X509Certificate(pem).raw).digest("hex");

function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

function application(credential, clientId, tenant = TENANT) {
  return new ConfidentialClientApplication({
    auth: {
      clientId,
      authority: `${ORIGIN}/${tenant}`,
      // The host with its port.
      knownAuthorities: [new URL(ORIGIN).host],
      ...credential,
    },
  });
}

for (const name of names) {
  test(`a secret gets a token of the app's own tenant: ${name}`, async () => {
    const credential = new ClientSecretCredential(name, reader.id, reader.secret, identityOptions);
    const said = claimsOf((await credential.getToken(SCOPE)).token);
    assert.deepEqual([said.tid, said.appid], [TENANT, reader.id]);
  });

  test(`a certificate gets one: ${name}`, async () => {
    const credential = new ClientCertificateCredential(name, SIGNING_ID, CERTIFICATE_FILE, identityOptions);
    assert.equal(claimsOf((await credential.getToken(SCOPE)).token).appid, SIGNING_ID);
  });

  test(`MSAL gets one by a secret: ${name}`, async () => {
    const msal = application({ clientSecret: reader.secret }, reader.id, name);
    const answer = await msal.acquireTokenByClientCredential({ scopes: [SCOPE] });
    assert.equal(claimsOf(answer.accessToken).tid, TENANT);
    assert.ok(answer.expiresOn - Date.now() > 3_500_000);
  });
}

test("a certificate may be sent along", async () => {
  const options = { ...identityOptions, sendCertificateChain: true };
  const credential = new ClientCertificateCredential(TENANT, SIGNING_ID, CERTIFICATE_FILE, options);
  assert.equal(claimsOf((await credential.getToken(SCOPE)).token).appid, SIGNING_ID);
});

test("MSAL gets one by a certificate, named by either thumbprint", async () => {
  for (const named of [
    { thumbprint: thumbprint("sha1") },
    { thumbprintSha256: thumbprint("sha256"), x5c: pem },
  ]) {
    const msal = application({ clientCertificate: { privateKey: pem, ...named } }, SIGNING_ID);
    const answer = await msal.acquireTokenByClientCredential({ scopes: [SCOPE] });
    assert.equal(claimsOf(answer.accessToken).appid, SIGNING_ID);
  }
});

test("the assertion that MSAL repeats is good again", async () => {
  const clientCertificate = { privateKey: pem, thumbprintSha256: thumbprint("sha256") };
  const msal = application({ clientCertificate }, SIGNING_ID);
  for (const skipCache of [false, true, true]) {
    const answer = await msal.acquireTokenByClientCredential({ scopes: [SCOPE], skipCache });
    assert.equal(answer.fromCache, false);
  }
});

test("a wrong secret is told to the user", async () => {
  const msal = application({ clientSecret: "stn_wrong" }, reader.id);
  const failed = msal.acquireTokenByClientCredential({ scopes: [SCOPE] });
  await assert.rejects(
    failed,
    (error) => error.errorCode === "invalid_client" && /AADSTS7000215/.test(error)
  );
});

function pipelineOf(credential) {
  const pipeline = createEmptyPipeline();
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: SCOPE }));
  const statuses = [];
  const watch = {
    name: "watch",
    async sendRequest(request, next) {
      const response = await next(request);
      statuses.push(response.status);
      return response;
    },
  };
  pipeline.addPolicy(watch, { afterPolicies: ["bearerTokenAuthenticationPolicy"] });
  const client = createDefaultHttpClient();
  const url = `${ORIGIN}/v1.0/security/secureScores?$top=1`;
  return { statuses, get: () => pipeline.sendRequest(client, createPipelineRequest({ url })) };
}

function revokeTokens(clientId) {
  const revoke = ["app", "revoke-tokens", clientId, "--database", DATABASE];
  execFileSync(PYTHON, ["-c", STANCHION, ...revoke], { env: { ...process.env, NODE_OPTIONS: "" } });
}

test("a client whose tokens were revoked fetches another one and goes on", async () => {
  for (const credential of [
    new ClientSecretCredential(TENANT, writer.id, writer.secret, identityOptions),
    new ClientCertificateCredential(TENANT, SIGNING_ID, CERTIFICATE_FILE, identityOptions),
  ]) {
    const { get, statuses } = pipelineOf(credential);
    assert.equal((await get()).status, 200);
    revokeTokens(credential instanceof ClientSecretCredential ? writer.id : SIGNING_ID);
    // Whether a token still stands is read again within a second.
    await setTimeout(1_200);
    assert.equal((await get()).status, 200);
    assert.deepEqual(statuses, [200, 401, 200]);
  }
});
