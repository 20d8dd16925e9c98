"""A batch answers what its requests would be answered one after the other, were each sent by itself.

Two tenants with equal entities are the witnesses: one is asked by batches, the other by single requests.
"""

import json
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import MICROSOFT, ORIGIN, OTHER_TENANT, TENANT, Api, control
from tests.web.batching import CONTROLS, batched

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

IDS = [f"C{number}" for number in range(8)]
HEADERS = ("content-type", "odata-version", "location", "preference-applied", "allow", "odata-entityid")
# Tenants and apps, instants, entity tags, and what is signed.
VARYING = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=skiptoken=)[\w%.-]+"
)


@dataclass(frozen=True)
class Ask:
    """A request; `reads` and `writes` are the entities for which order matters, `way` is how its URL is written."""

    method: str
    url: str
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    body: JsonValue = None
    prefer: str | None = None
    way: str = "/"
    as_text: bool = False
    also_after: tuple[int, ...] = ()


def decision(state: str, comment: str) -> JsonObject:
    return {"state": state, "comment": comment, "vendorInformation": MICROSOFT}


ALL = frozenset(["every one"])
WAYS = st.sampled_from(["", "/", "/v1.0/", f"{ORIGIN}/v1.0/"])
PREFER = st.sampled_from([None, "return=representation", "return=minimal"])
AFTER = st.lists(st.integers(0, 19), max_size=1).map(tuple)
READS = st.builds(
    lambda id, query, way, after: Ask(
        "GET", f"{CONTROLS}/{id}{query}", reads=frozenset({id}), way=way, also_after=after
    ),
    st.sampled_from(IDS),
    st.sampled_from(["", "?$select=id,title", "?%24select=id", "?$top=1", "/nothing/of/it"]),
    WAYS,
    AFTER,
)
LISTS = st.builds(
    lambda query, way: Ask("GET", f"{CONTROLS}{query}", reads=ALL, way=way),
    st.sampled_from(
        ["", "/$count", "?$top=2&$count=true&$orderby=id desc", "?$filter=id eq 'C1'", "?$filter=("]
    ),
    WAYS,
)
WRITES = st.builds(
    lambda id, body, prefer, way, as_text, after: Ask(
        "PATCH",
        f"{CONTROLS}/{id}",
        writes=frozenset({id}),
        body=body,
        prefer=prefer,
        way=way,
        as_text=as_text,
        also_after=after,
    ),
    st.sampled_from(IDS),
    st.builds(decision, st.sampled_from(["default", "ignored", "reviewed"]), st.sampled_from("uvwxyz"))
    | st.sampled_from([[], {"state": "no state"}]),
    PREFER,
    WAYS,
    st.booleans(),
    AFTER,
)
MAKES = st.builds(
    lambda id, title, prefer, way: Ask(
        "POST",
        CONTROLS,
        writes=frozenset({id}),
        body={"id": id, "title": title, "vendorInformation": MICROSOFT},
        prefer=prefer,
        way=way,
    ),
    st.sampled_from([*IDS[-1:], *(f"N{number}" for number in range(30))]),
    st.sampled_from(["new", "newer"]),
    PREFER,
    WAYS,
)
OTHERS = st.builds(
    lambda method, id, way: Ask(method, f"{CONTROLS}/{id}", writes=frozenset({id}), way=way),
    st.sampled_from(["DELETE", "PUT", "POST", "HEAD"]),
    st.sampled_from(IDS),
    WAYS,
)
BATCHES = st.lists(READS | READS | WRITES | WRITES | MAKES | LISTS | OTHERS, min_size=1, max_size=20)


def meet(writer: Ask, other: Ask) -> bool:
    """Say whether one writes what the other reads or writes."""
    return bool(writer.writes and (other.reads == ALL or writer.writes & (other.reads | other.writes)))


def after(asks: list[Ask], place: int) -> list[int]:
    """Return which requests one waits for: those whose order matters, and some others."""
    related = {n for n in range(place) if meet(asks[n], asks[place]) or meet(asks[place], asks[n])}
    return sorted(related | {n for n in asks[place].also_after if n < place})


def headers(ask: Ask) -> dict[str, str]:
    given = {} if ask.prefer is None else {"Prefer": ask.prefer}
    return given if ask.body is None else {**given, "Content-Type": "application/json"}


def item(asks: list[Ask], place: int) -> JsonObject:
    ask = asks[place]
    body = ask.body
    if ask.as_text and body is not None:
        body = urlsafe_b64encode(json.dumps(body).encode()).decode()
    url = ask.way + ask.url.removeprefix("/")
    return {
        "id": place,
        "method": ask.method,
        "url": url,
        "headers": {**headers(ask)},
        "body": body,
        "dependsOn": [*after(asks, place)],
    }


def alike(text: str) -> str:
    """Return text without what differs from tenant to tenant and from moment to moment."""
    return VARYING.sub("*", text)


def of_batch(answer: dict[str, Any]) -> tuple[object, ...]:
    sent = {name.lower(): value for name, value in answer["headers"].items()}
    return answer["status"], *(alike(sent.get(name, "")) for name in HEADERS), told(answer.get("body"))


def of_reply(reply: httpx.Response) -> tuple[object, ...]:
    kept = (alike(reply.headers.get(name, "")) for name in HEADERS)
    is_json = reply.headers.get("content-type", "").startswith("application/json")
    body = None if not reply.content else reply.json() if is_json else reply.text
    return reply.status_code, *kept, told(body)


def told(body: Any) -> str:  # noqa: ANN401 (whatever JSON says)
    if isinstance(body, dict) and "error" in body:
        body["error"].pop("innerError")
    return alike(json.dumps(body))


async def one_by_one(api: Api, asks: list[Ask]) -> list[tuple[object, ...] | None]:
    """Return the answers to single requests; None for those that wait for a failed one."""
    replies: list[httpx.Response | None] = []
    for place, ask in enumerate(asks):
        waited = [replies[n] for n in after(asks, place)]
        if any(reply is None or reply.status_code >= 400 for reply in waited):
            replies.append(None)
            continue
        content = None if ask.body is None else json.dumps(ask.body).encode()
        token = api.token(tenant=OTHER_TENANT)
        reply = await api.send(
            ask.method, f"/v1.0{ask.url}", headers=headers(ask), content=content, token=token
        )
        replies.append(reply)
    return [None if reply is None else of_reply(reply) for reply in replies]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(asks=BATCHES)
async def test_a_batch_answers_as_its_requests_do_one_by_one(api: Api, asks: list[Ask]) -> None:
    if await api.sequence() < 10:
        for tenant in (TENANT, OTHER_TENANT):
            api.add(*map(control, IDS), tenant=tenant)
    answers = await batched(api, *(item(asks, place) for place in range(len(asks))))
    alone = await one_by_one(api, asks)
    for ask, answer, expected in zip(asks, answers, alone, strict=True):
        if expected is None:
            assert answer["status"] == 424, ask
        else:
            assert of_batch(answer) == expected, ask
