// Two clients for any OData service, which know nothing of Graph: o.js takes the address of the service alone,
// odata2ts has made its code from our $metadata before.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

import { FetchClient } from "@odata2ts/http-client-fetch";
import o from "o.js";

import {
  CONTROLS,
  GENERATED,
  ORIGIN,
  controlId,
  headersOf,
  newestFirst,
  scoreId,
  vendorInformation,
  writer,
} from "./place.mjs";

const require = createRequire(import.meta.url);
const headers = await headersOf(writer);
const root = `${ORIGIN}/v1.0`;
// As its documentation does it: a handler, used for many requests.
const service = o.o(`${root}/`, { headers: { ...headers, "Content-Type": "application/json" } });
const asking = (resource, query) => service.get(resource).query(query);

const { graphService } = require(`${GENERATED}/graphService.js`);
const security = new graphService(new FetchClient({ headers }), root).security();
const scores = security.secureScores();
const controls = security.secureScoreControlProfiles();

test("o.js lists", async () => {
  const found = await asking("security/secureScores", {});
  assert.deepEqual(
    found.map((score) => score.id),
    newestFirst
  );
});

test("o.js filters, orders, selects and takes pages", async () => {
  const found = await asking("security/secureScores", {
    $filter: "currentScore ge 14 and vendorInformation/provider eq 'SecureScore'",
    $orderby: "currentScore asc",
    $select: "id,currentScore",
    $top: 2,
  });
  assert.deepEqual(
    found,
    [4, 5].map((day) => ({ id: scoreId(day), currentScore: 10 + day }))
  );
});

test("o.js filters by any()", async () => {
  const found = await asking("security/secureScoreControlProfiles", {
    $filter: "threats/any(t:t eq 'Account breach') and rank lt 5",
  });
  assert.deepEqual(
    found.map((control) => control.id),
    [controlId(0), controlId(3)]
  );
});

test("o.js counts", async () => {
  assert.equal(Number(await asking("security/secureScores/$count")), 12);
});

test("o.js gets by the key in parentheses", async () => {
  const found = await asking(`security/secureScores('${scoreId(3)}')`);
  assert.equal(found.currentScore, 13);
});

test("o.js patches", async () => {
  const place = `security/secureScoreControlProfiles('${controlId(1)}')`;
  await service.patch(place, { vendorInformation, comment: "read", state: "Reviewed" }).query();
  assert.equal((await asking(place)).controlStateUpdates[0].state, "Reviewed");
});

test("o.js is told what it asked wrongly", async () => {
  const answer = await asking("security/secureScores", { $filter: "noSuchProperty eq 1" }).catch(
    (error) => error
  );
  assert.equal(answer.status, 400);
  assert.equal((await answer.json()).error.code, "BadRequest");
});

test("odata2ts makes its code from our $metadata, one service for each set", () => {
  assert.equal(typeof scores.query, "function");
  assert.equal(typeof controls.query, "function");
});

test("odata2ts lists", async () => {
  const { status, data } = await scores.query();
  assert.equal(status, 200);
  assert.deepEqual(
    data.value.map((score) => score.id),
    newestFirst
  );
});

test("odata2ts filters, orders, selects, counts, skips and takes pages", async () => {
  const { data } = await scores.query((builder, score) =>
    builder
      .select("id", "currentScore")
      .filter(score.currentScore.ge(14), score.createdDateTime.le("2026-01-09T00:00:00Z"))
      .orderBy(score.currentScore.desc())
      .count()
      .top(3)
      .skip(1)
  );
  assert.equal(data["@odata.count"], 6);
  assert.deepEqual(
    data.value.map((score) => score.id),
    [8, 7, 6].map(scoreId)
  );
});

test("odata2ts filters by a nested path", async () => {
  const { data } = await scores.query((builder, score) =>
    builder.filter(score.vendorInformation.props.provider.eq("no such provider"))
  );
  assert.deepEqual(data.value, []);
});

test("odata2ts filters by any() over complex values", async () => {
  const { data } = await scores.query((builder, score) =>
    builder.filter(score.controlScores.any((each) => each.controlName.eq(controlId(3)))).top(1)
  );
  assert.deepEqual(
    data.value.map((score) => score.id),
    [scoreId(12)]
  );
});

test("odata2ts filters by contains, startswith and in", async () => {
  const { data } = await controls.query((builder, control) =>
    builder.filter(
      control.id.startsWith("control-01"),
      control.title.contains("le 1"),
      control.rank.in(11, 12)
    )
  );
  assert.deepEqual(
    data.value.map((control) => control.id),
    [controlId(10), controlId(11)]
  );
});

test("odata2ts gets by the key in parentheses, some of the properties", async () => {
  const { data } = await security
    .secureScoreControlProfiles(controlId(7))
    .query((builder) => builder.select("id", "title"));
  assert.deepEqual([data.id, data.title, data.rank], [controlId(7), "Title 7", undefined]);
});

test("odata2ts gets a control whatever its id is made of", async () => {
  for (const id of ["odd/a slash", "odd x?y=z#w", "odd-é ü"]) {
    const { data } = await security.secureScoreControlProfiles(id).query();
    assert.equal(data.id, id);
  }
});

test("odata2ts reads a property", async () => {
  const { data } = await security.secureScores(scoreId(5)).vendorInformation().query();
  assert.equal(data.provider, "SecureScore");
});

test("odata2ts patches", async () => {
  const one = security.secureScoreControlProfiles(controlId(2));
  const { status } = await one.patch({ vendorInformation, comment: "read", state: "Reviewed" });
  assert.equal(status, 204);
  assert.equal((await one.query()).data.controlStateUpdates[0].state, "Reviewed");
});

test("odata2ts follows the links to every page", async () => {
  const client = new FetchClient({ headers });
  const ids = [];
  let { data } = await controls.query((builder) => builder.top(90));
  for (;;) {
    ids.push(...data.value.map((control) => control.id));
    if (!data["@odata.nextLink"]) break;
    ({ data } = await client.get(data["@odata.nextLink"]));
  }
  assert.equal(new Set(ids).size, CONTROLS);
});

test("odata2ts fails with the message of the service", async () => {
  const failure = await security
    .secureScoreControlProfiles("no-such")
    .query()
    .catch((error) => error);
  assert.equal(failure.status, 404);
  assert.match(failure.message, /no-such/);
  const refused = await scores.query((builder) => builder.top(-1)).catch((error) => error);
  assert.equal(refused.status, 400);
});
