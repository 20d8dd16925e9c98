// The Graph SDK for JavaScript, unmodified, over TLS, with tokens that @azure/identity gets from our issuer.
import assert from "node:assert/strict";
import { test } from "node:test";

import { BatchRequestContent, BatchResponseContent, PageIterator } from "@microsoft/microsoft-graph-client";

import { connect, connectWith, failureOf } from "./graph.mjs";
import {
  CONTROLS,
  ORIGIN,
  controlId,
  newestFirst,
  reader,
  scoreId,
  vendorInformation,
  writer,
} from "./place.mjs";

const graph = connect(writer);
const reading = connect(reader);
const control = (number) => `/security/secureScoreControlProfiles/${controlId(number)}`;

async function idsOfAllPages(request) {
  const ids = [];
  const keep = (entity) => ids.push(entity.id) > 0;
  await new PageIterator(graph, await request.get(), keep).iterate();
  return ids;
}

async function stateOf(number) {
  return (await graph.api(control(number)).get()).controlStateUpdates[0].state;
}

test("the page iterator goes to the end, newest first", async () => {
  assert.deepEqual(await idsOfAllPages(graph.api("/security/secureScores").top(5)), newestFirst);
});

test("every control is listed through several pages", async () => {
  const page = await graph.api("/security/secureScoreControlProfiles").get();
  assert.ok(page["@odata.nextLink"].startsWith(`${ORIGIN}/v1.0/security/secureScoreControlProfiles?`));
  const ids = await idsOfAllPages(graph.api("/security/secureScoreControlProfiles"));
  assert.equal(new Set(ids).size, CONTROLS);
});

test("filter, orderby, select, skip, top and count work together", async () => {
  const page = await graph
    .api("/security/secureScores")
    .filter("createdDateTime ge 2026-01-04T00:00:00.000Z and vendorInformation/provider eq 'SecureScore'")
    .orderby("currentScore desc")
    .select(["id", "currentScore"])
    .skip(1)
    .top(3)
    .count(true)
    .get();
  assert.equal(page["@odata.count"], 9);
  assert.deepEqual(
    page.value,
    [11, 10, 9].map((day) => ({ id: scoreId(day), currentScore: 10 + day }))
  );
});

test("a collection is filtered by any()", async () => {
  const request = graph.api("/security/secureScoreControlProfiles");
  request.filter("threats/any(t:t eq 'Account breach') and rank lt 5");
  assert.deepEqual(await idsOfAllPages(request), [controlId(0), controlId(3)]);
});

test("$count is a number", async () => {
  assert.equal(Number(await graph.api("/security/secureScores/$count").get()), 12);
});

test("a score is got by its id", async () => {
  const score = await graph.api(`/security/secureScores/${scoreId(3)}`).get();
  assert.equal(score.currentScore, 13);
  assert.equal(score.controlScores[0].controlName, controlId(0));
});

for (const id of ["odd/a slash", "odd 100%25", "odd x?y=z#w", "odd-é ü"]) {
  test(`a control is got whatever its id is made of: ${id}`, async () => {
    const found = await graph.api(`/security/secureScoreControlProfiles/${encodeURIComponent(id)}`).get();
    assert.equal(found.id, id);
  });
}

test("a PATCH without Prefer answers nothing and is done", async () => {
  const decision = { vendorInformation, assignedTo: "", comment: "read on Monday", state: "Reviewed" };
  const answered = await graph.api(control(1)).patch(decision);
  assert.equal(answered, undefined);
  assert.equal(await stateOf(1), "Reviewed");
});

test("a PATCH with Prefer answers the control", async () => {
  const answered = await graph
    .api(control(2))
    .header("Prefer", "return=representation")
    .patch({ vendorInformation, comment: "accepted", state: "Ignored" });
  assert.equal(answered.id, controlId(2));
  assert.equal(answered.controlStateUpdates[0].state, "Ignored");
});

test("a user's security profile is listed, got and patched in beta", async () => {
  const users = graph.api("/security/userSecurityProfiles").version("beta");
  const ids = await idsOfAllPages(users.top(3));
  assert.equal(ids.length, 8);
  const answered = await graph
    .api(`/security/userSecurityProfiles/${ids[0]}`)
    .version("beta")
    .header("Prefer", "return=representation")
    .patch({ tags: ["seen"], vendorInformation });
  assert.deepEqual(answered.tags, ["seen"]);
});

test("an unknown control is a GraphError with every field filled", async () => {
  const failure = await failureOf(graph.api("/security/secureScoreControlProfiles/no-such").get());
  assert.equal(failure.statusCode, 404);
  assert.equal(failure.code, "ResourceNotFound");
  assert.match(failure.message, /no-such/);
  assert.equal(failure.requestId, failure.headers.get("request-id"));
  const inner = JSON.parse(failure.body).innerError;
  assert.deepEqual(failure.date, new Date(inner.date));
  assert.equal(inner["client-request-id"], failure.headers.get("client-request-id"));
});

test("an app that may only read is forbidden to write", async () => {
  const failure = await failureOf(reading.api(control(3)).patch({ vendorInformation, comment: "x" }));
  assert.deepEqual([failure.statusCode, failure.code], [403, "Forbidden"]);
});

test("a token that is none is 401 with a GraphError", async () => {
  const stranger = connectWith({ getAccessToken: async () => "not-a-token" });
  const failure = await failureOf(stranger.api("/security/secureScores").get());
  assert.deepEqual([failure.statusCode, failure.code], [401, "InvalidAuthenticationToken"]);
});

test("a body without vendorInformation is 400 and says so", async () => {
  const failure = await failureOf(graph.api(control(4)).patch({ comment: "x" }));
  assert.equal(failure.statusCode, 400);
  assert.match(failure.message, /vendorInformation/);
});

test("a filter that cannot be read is 400 and says where", async () => {
  const failure = await failureOf(graph.api("/security/secureScores").filter("noSuchProperty eq 1").get());
  assert.equal(failure.statusCode, 400);
  assert.match(failure.message, /noSuchProperty/);
});

test("a wrong secret is told by the issuer to the user", async () => {
  const stranger = connect({ id: writer.id, secret: "stn_wrong" });
  await assert.rejects(stranger.api("/security/secureScores").get(), /AADSTS7000215/);
});

// The client takes scheme and host off an address, so a version in it stays.
const stepTo = (path, id, init = {}) => ({ id, request: new Request(`${ORIGIN}${path}`, init) });
const patchOf = (decision) => ({
  method: "PATCH",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ vendorInformation, ...decision }),
});

async function posted(steps) {
  const content = await new BatchRequestContent(steps).getContent();
  return new BatchResponseContent(await graph.api("/$batch").post(content));
}

test("a batch of twenty is answered, each request by its own body", async () => {
  const numbers = Array.from({ length: 10 }, (_, index) => index);
  const answers = await posted(
    numbers.flatMap((n) => [
      stepTo(control(50 + n), `patch ${n}`, patchOf({ comment: `number ${n}`, state: "ThirdParty" })),
      stepTo(`/v1.0${control(70 + n)}`, `get ${n}`),
    ])
  );
  for (const n of numbers) {
    assert.equal(answers.getResponseById(`patch ${n}`).status, 204);
    const got = answers.getResponseById(`get ${n}`);
    assert.equal(got.status, 200);
    assert.equal((await got.json()).id, controlId(70 + n));
    assert.equal(await stateOf(50 + n), "ThirdParty");
  }
});

test("a batch keeps to what depends on what, and each request fails by itself", async () => {
  const answers = await posted([
    stepTo(control(90), "1", patchOf({ state: "Ignored" })),
    { ...stepTo(control(90), "2"), dependsOn: ["1"] },
    { ...stepTo("/security/secureScoreControlProfiles/no-such", "3"), dependsOn: ["2"] },
    { ...stepTo(control(91), "4", patchOf({ state: "Ignored" })), dependsOn: ["3"] },
  ]);
  assert.deepEqual(
    ["1", "2", "3", "4"].map((id) => answers.getResponseById(id).status),
    [204, 200, 404, 424]
  );
  const seen = await answers.getResponseById("2").json();
  assert.equal(seen.controlStateUpdates[0].state, "Ignored");
  const failure = await answers.getResponseById("3").json();
  assert.equal(failure.error.code, "ResourceNotFound");
  assert.equal(await stateOf(91), "Default");
});

test("a batch of more than twenty is refused as a whole", async () => {
  const requests = Array.from({ length: 21 }, (_, id) => ({
    id: `${id}`,
    method: "GET",
    url: "/security/secureScores",
  }));
  const failure = await failureOf(graph.api("/$batch").post({ requests }));
  assert.equal(failure.statusCode, 400);
  assert.match(failure.message, /20/);
});

test("a delta is followed by its links", async () => {
  const seen = [];
  let page = await graph.api("/security/secureScores/delta()").select("id").get();
  while (page["@odata.nextLink"]) {
    seen.push(...page.value);
    page = await graph.api(page["@odata.nextLink"]).get();
  }
  seen.push(...page.value);
  assert.deepEqual(seen.map((score) => score.id).sort(), [...newestFirst].sort());
  assert.deepEqual((await graph.api(page["@odata.deltaLink"]).get()).value, []);
});
