// The Graph SDK for JavaScript, unmodified, over TLS, against a server with Graph's limits.
import assert from "node:assert/strict";
import { test } from "node:test";

import { RetryHandlerOptions } from "@microsoft/microsoft-graph-client";

import { connect, failureOf } from "./graph.mjs";
import { controlId, writer } from "./place.mjs";

const graph = connect(writer);
const statuses = [];

// What the client is answered is only looked at.
const fetched = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const response = await fetched(...request);
  statuses.push(response.status);
  return response;
};

// Graph lets four run at once. Of twice as many, those refused all find room the second time.
const numbers = Array.from({ length: 8 }, (_, index) => index);
const someAtOnce = (...options) =>
  numbers.map((number) =>
    graph
      .api(`/security/secureScoreControlProfiles/${controlId(number)}`)
      .middlewareOptions(options)
      .get()
  );

test("it comes again after what it was told and succeeds", async () => {
  // Where nobody tells it, the client takes three seconds at the least.
  let waited = 3;
  for (let round = 0; round < 36 && waited >= 3; round++) {
    const [before, began] = [statuses.length, performance.now()];
    const found = await Promise.all(someAtOnce());
    assert.deepEqual(
      found.map((control) => control.id),
      numbers.map(controlId)
    );
    if (statuses.slice(before).includes(429)) waited = (performance.now() - began) / 1000;
  }
  assert.ok(statuses.includes(429), statuses.join());
  assert.ok(waited >= 1 && waited < 3, `${waited} seconds`);
});

test("where it may not retry, it is told what it may do and when", async () => {
  let failure;
  for (let round = 0; round < 36 && !failure; round++) {
    const ended = await Promise.allSettled(someAtOnce(new RetryHandlerOptions(0, 0)));
    failure = ended.find((each) => each.status === "rejected")?.reason;
  }
  const refused = await failureOf(Promise.reject(failure));
  assert.deepEqual([refused.statusCode, refused.code], [429, "TooManyRequests"]);
  assert.ok(Number(refused.headers.get("Retry-After")) >= 1);
});
