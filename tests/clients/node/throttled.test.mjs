// The Graph SDK for JavaScript, unmodified, over TLS, against a server with Graph's limits.
import assert from "node:assert/strict";
import { request } from "node:https";
import { mock, test } from "node:test";

import { RetryHandlerOptions } from "@microsoft/microsoft-graph-client";

import { connect, failureOf } from "./graph.mjs";
import { ORIGIN, controlId, writer } from "./place.mjs";

const path = (number) => `/security/secureScoreControlProfiles/${controlId(number)}`;
const headers = { Authorization: `Bearer ${process.env.TOKEN}` };

// Graph lets four run at once: four requests whose bodies do not come until they are let end.
async function crowded() {
  const type = { "Content-Type": "application/json", "Content-Length": 2 };
  const waiting = Array.from({ length: 4 }, () => {
    const one = request(`${ORIGIN}/v1.0${path(0)}`, { method: "PATCH", headers: { ...headers, ...type } });
    one.flushHeaders();
    return one;
  });
  const ended = waiting.map(
    (one) => new Promise((resolve, reject) => one.on("response", (r) => r.resume().on("end", resolve)).on("error", reject))
  );
  while ((await fetch(`${ORIGIN}/v1.0${path(0)}`, { headers })).status !== 429);
  let ending;
  const finish = async () => {
    for (const one of waiting) one.end("{}");
    await Promise.all(ended);
  };
  return () => (ending ??= finish());
}

test("it comes again after what it was told and succeeds", async () => {
  const end = await crowded();
  const wait = globalThis.setTimeout;
  const waits = [];
  // How long its handler of retries waits is only looked at. Where nobody tells it, that is three seconds at the least.
  const refused = new Promise((resolve) => {
    mock.method(globalThis, "setTimeout", (then, milliseconds, ...rest) => {
      if (new Error().stack.includes("RetryHandler")) resolve(waits.push(milliseconds));
      return wait(then, milliseconds, ...rest);
    });
  });
  try {
    const found = connect(writer).api(path(1)).get();
    await Promise.race([refused, found]);
    await end();
    assert.equal((await found).id, controlId(1));
  } finally {
    mock.restoreAll();
    await end();
  }
  assert.deepEqual([...new Set(waits)], [1000]);
});

test("where it may not retry, it is told what it may do and when", async () => {
  const end = await crowded();
  const asked = connect(writer).api(path(1)).middlewareOptions([new RetryHandlerOptions(0, 0)]).get();
  const refused = await failureOf(asked).finally(end);
  assert.deepEqual([refused.statusCode, refused.code], [429, "TooManyRequests"]);
  assert.equal(refused.headers.get("Retry-After"), "1");
});
