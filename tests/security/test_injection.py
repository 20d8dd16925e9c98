"""Injection: a caller's text that becomes a statement, a header, a line of the log, a path, or a browser's request.

Every place that takes text is given text that means something elsewhere. It stays text: it is stored as it was, found
as it was, or refused; the answer's headers and the log keep their lines; nothing that a page of another origin can
send without being asked is taken.
"""

import logging
from collections.abc import Callable, Iterator
from urllib.parse import quote

import msgspec
import pytest

from stanchion.logs import HumanFormatter, JsonFormatter
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.odata.filter.typing import typed_filter
from stanchion.odata.query import ListQuery, default_order
from stanchion.store import pages, terms
from stanchion.store.compile import DialectName
from tests.conftest import MICROSOFT, OTHER_TENANT, TENANT, Api, control
from tests.databases import DIALECTS
from tests.web.forging import forged

pytestmark = pytest.mark.anyio

SCORES, CONTROLS = "/v1.0/security/secureScores", "/v1.0/security/secureScoreControlProfiles"
CONTROL = f"{CONTROLS}/NonOwnerAccess"
DECISION = {"comment": "x", "vendorInformation": MICROSOFT}
SQL = [
    "' OR '1'='1",
    "'; DROP TABLE secure_scores; --",
    "' UNION SELECT body FROM secure_scores --",
    "x') OR 1=1 --",
    "a' || (SELECT id FROM clients) || '",
    "\\'; SELECT 1; --",
    "%' OR '%'='",
    "_%",
    "$1",
    ":tenant_id",
    "?1",
    '"; SELECT 1; --',
    "1; ATTACH DATABASE '/tmp/x' AS x",
    "json_extract(body,'$')",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "\u02bc OR 1=1",
]
# What ends a line, hides one, or colours a terminal.
LINES = [
    "\r\nX-Injected: 1",
    "\nforged",
    "\x00",
    "\x1b[2J",
    "\u2028forged",
    "\u2029",
    "\x85forged",
    "\u202eevil",
    "\x7f",
]


@pytest.fixture
def theirs(api: Api) -> Api:
    """A store in which each tenant has a control."""
    api.add(control(title="ours"))
    api.add(control(title="theirs"), tenant=OTHER_TENANT)
    return api


@pytest.mark.parametrize("text", SQL)
async def test_sql_in_any_place_is_text(theirs: Api, text: str) -> None:
    literal, encoded = quote(text.replace("'", "''")), quote(text, safe="")
    for address, allowed in (
        (f"{CONTROLS}?$filter=title eq '{literal}'", {200}),
        (f"{CONTROLS}?$filter=contains(title,'{literal}')", {200}),
        (f"{CONTROLS}?$filter=title in ('{literal}','b')", {200}),
        (f"{CONTROLS}?$filter=tolower(title) eq @p&@p='{literal}'", {200}),
        (f"{CONTROLS}?$filter=actionUrl/any(c:c eq '{literal}')", {200, 400}),
        (f"{CONTROLS}?$filter={encoded}", {400, 501}),
        (f"{CONTROLS}?$filter={encoded} eq 'a'", {400, 501}),
        (f"{CONTROLS}?$orderby={encoded}", {400, 501}),
        (f"{CONTROLS}?$top={encoded}", {400}),
        (f"{CONTROLS}?$skip={encoded}", {400}),
        (f"{CONTROLS}?$skiptoken={encoded}", {400}),
        (f"{CONTROLS}?$select={encoded}", {200, 400}),
        (f"{CONTROLS}/delta()?$deltatoken={encoded}", {400, 410}),
        (f"{CONTROLS}/{encoded}", {400, 404}),
        (f"{CONTROLS}('{literal}')", {400, 404}),
        (f"{CONTROLS}/NonOwnerAccess/{encoded}", {400, 404}),
    ):
        reply = await theirs.send("GET", address)
        assert reply.status_code in allowed, (address, reply.text)
        assert "theirs" not in reply.text
    assert (await theirs.send("GET", f"{CONTROLS}/$count")).text == "1"


# Names that a member may have where no type declares it, which mean something else in SQL or in our own statements.
WORDS = ("SELECT", "filter_0", "tenant_id", "OR", "json", "e0", "a1")
FILTERS = (
    "title eq '{}' and not (service ne '{}' or '{}' in threats)",
    "contains(title,'{}') or startswith('{}',tolower(title)) or title in ('{}',null) or 'x' eq concat(title,'{}')",
    "threats/any(t:t eq '{}' and indexof(t,'{}') gt 1) and remediation gt '{}' and substring(title,1) lt '{}'",
    "complianceInformation/all(c:c/name eq '{}' or c/{} eq '{}' or c/{}/any(d:d/{} ne c/{}))",
    "complianceInformation/$count gt 1 and complianceInformation/any(c:year(c/{}) eq 2026 and c/{} in ('{}','b'))",
)


@pytest.mark.parametrize("pattern", FILTERS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_of_a_filter_the_text_of_a_statement_has_names_of_members_and_no_more(
    pattern: str, dialect: DialectName
) -> None:
    plain = _statement(pattern, "plain", "Member", dialect)
    assert "plain" not in plain
    for text in SQL:
        literal = text.replace("'", "''")
        assert _statement(pattern, literal, "Member", dialect) == plain
        for word in WORDS:
            assert _statement(pattern, literal, word, dialect) == plain.replace('"Member"', f'"{word}"')


def _statement(pattern: str, literal: str, name: str, dialect: DialectName) -> str:
    """Return the statement of a filter of such literals and names, made and read anew."""
    text = pattern.replace("'{}'", f"'{literal}'").replace("{}", name)
    asked = typed_filter(text, CONTROL_PROFILES, aliases={}).filter
    pages._filtered_statement.cache_clear()
    terms._terms.clear()
    query = ListQuery(CONTROL_PROFILES, "beta", default_order(CONTROL_PROFILES), filter=asked)
    return pages.page_statement(query, dialect=dialect).sql


@pytest.mark.parametrize("text", SQL)
async def test_sql_that_is_stored_comes_back_as_it_was(theirs: Api, text: str) -> None:
    body = {"comment": text, "assignedTo": text, "vendorInformation": MICROSOFT}
    assert (await theirs.send("PATCH", CONTROL, json=body)).status_code == 204
    assert (await theirs.send("GET", CONTROL)).json()["controlStateUpdates"][0]["comment"] == text
    made = await theirs.send("POST", SCORES, json={"id": text, text: text, "vendorInformation": MICROSOFT})
    assert made.status_code in {201, 400}
    if made.status_code == 201:
        again = await theirs.send("GET", f"{SCORES}/{quote(text, safe='')}")
        assert (again.json()["id"], again.json()[text]) == (text, text)
        assert (await theirs.send("DELETE", f"{SCORES}/{quote(text, safe='')}")).status_code == 204
    assert (await theirs.send("GET", f"{SCORES}/$count")).text == "0"


@pytest.mark.parametrize("text", SQL[:6])
async def test_sql_in_a_token_or_a_form_is_text(theirs: Api, text: str) -> None:
    for claim in ("tid", "appid", "aud", "iss"):
        reply = await theirs.send("GET", CONTROLS, token=forged(theirs, **{claim: text}))
        assert reply.status_code == 401
    named = forged(theirs, roles=None, scp="SecurityEvents.ReadWrite.All", upn=text, oid=text)
    assert (await theirs.send("GET", CONTROLS, token=named)).status_code == 403
    for field in ("client_id", "client_secret", "scope"):
        form = {
            "grant_type": "client_credentials",
            "client_id": "a",
            "client_secret": "b",
            "scope": "x/.default",
        }
        reply = await theirs.client.post(f"/{TENANT}/oauth2/v2.0/token", data={**form, field: text})
        assert reply.status_code in {400, 401}
    headers = {
        name: text.encode("ascii", "replace").decode() for name in ("If-Match", "Prefer", "Accept-Language")
    }
    assert (await theirs.send("PATCH", CONTROL, json=DECISION, headers=headers)).status_code in {
        204,
        400,
        412,
    }


class Lines(logging.Handler):
    """Keeps each line in both forms."""

    def __init__(self) -> None:
        super().__init__()
        self.human: list[str] = []
        self.json: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("stanchion") and record.name != "stanchion.sql":
            self.human.append(HumanFormatter().format(record))
            self.json.append(JsonFormatter().format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged."""
    root, kept = logging.getLogger(), Lines()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(kept)
    yield kept
    root.removeHandler(kept)
    root.setLevel(level)


@pytest.mark.parametrize("text", LINES)
async def test_a_line_of_the_log_stays_one_line_whatever_is_in_it(
    theirs: Api, lines: Lines, text: str
) -> None:
    raw, encoded = text.encode(), quote(text)
    bearer = f"Bearer {theirs.token()}".encode()
    sent = 0
    for path in (
        f"/{encoded}",
        f"{CONTROLS}/{encoded}",
        f"{CONTROLS}?$filter={encoded}",
        f"/{encoded}/oauth2/v2.0/token",
    ):
        for name in (
            b"client-request-id",
            b"user-agent",
            b"x-forwarded-for",
            b"referer",
            b"host",
            b"authorization",
        ):
            if b"\n" in raw or b"\r" in raw or b"\x00" in raw:
                value = raw.replace(b"\r", b"\x0b").replace(b"\n", b"\x0b").replace(b"\x00", b"\x01")
            else:
                value = raw
            headers = [(b"authorization", bearer)] if name != b"authorization" else []
            if name != b"host":
                headers.append((b"host", b"127.0.0.1:8080"))
            reply = await theirs.client.get(path, headers=[*headers, (name, value)])
            sent += 1
            assert reply.status_code in {400, 401, 404, 405, 410, 421}, reply.text
            assert not any("injected" in each.lower() for each in reply.headers)
            assert all(value.isprintable() for value in reply.headers.values())
    assert len([line for line in lines.json if '"logger":"stanchion.request"' in line]) == sent
    for line in lines.json:
        assert line.isprintable()
        msgspec.json.decode(line)
    assert all(line.isprintable() for line in lines.human)


@pytest.mark.parametrize("text", LINES)
async def test_a_name_in_a_token_or_a_body_writes_no_line_and_no_header(
    theirs: Api, lines: Lines, text: str
) -> None:
    person = forged(theirs, roles=None, scp="SecurityEvents.Read.All", upn=f"ada{text}", oid="x", wids=())
    await theirs.send("PATCH", CONTROL, token=person, json=DECISION)
    await theirs.send("PATCH", CONTROL, json={text: 1, "state": text, "vendorInformation": MICROSOFT})
    made = await theirs.send("POST", SCORES, json={"id": f"a{text}", "vendorInformation": MICROSOFT})
    assert made.status_code in {201, 400}
    assert all(value.isprintable() and value.isascii() for value in made.headers.values())
    form = {"grant_type": text, "client_id": f"x{text}", "client_secret": text, "scope": f"{text}/.default"}
    refused = await theirs.client.post(f"/{TENANT}/oauth2/v2.0/token", data=form)
    assert all(value.isprintable() for value in refused.headers.values())
    assert all(line.isprintable() for line in lines.json + lines.human)


# However it is spelt, a path leads to what its segments name or nowhere.
PATHS = [
    "/v1.0/../stanchion.db",
    "/v1.0/%2e%2e/%2e%2e/etc/passwd",
    "/v1.0/security/..%2f..%2f..%2fetc%2fpasswd",
    "/v1.0/security/..%5c..%5cwindows",
    "/v1.0/security/secureScores/..;/secureScoreControlProfiles",
    "/v1.0;a=b/security/secureScores",
    "/v1.0/security/secureScores%00.json",
    "/v1.0/security/secureScores/%c0%ae%c0%ae/x",
    "/v1.0/security/secureScores/%c0%af",
    "/v1.0/security/secureScores/%ed%a0%80",
    "/v1.0/security/secureScores/%ff",
    "/v1.0/security/secureScores/%",
    "/v1.0/security/secureScores/%zz",
    "/v1.0/security/secureScores/%25%32%65",
    "/v1.0/security/secureScores\\NonOwnerAccess",
    "/%2fv1.0/security/secureScores",
    "/.//v1.0/security/x",
]


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_leads_nowhere_else(theirs: Api, path: str) -> None:
    for method in ("GET", "DELETE"):
        anonymous = await theirs.client.request(
            method, theirs.client.base_url.copy_with(raw_path=path.encode())
        )
        assert anonymous.status_code in {400, 401}, anonymous.text
        reply = await theirs.client.request(
            method,
            theirs.client.base_url.copy_with(raw_path=path.encode()),
            headers={"Authorization": f"Bearer {theirs.token()}"},
        )
        assert reply.status_code in {400, 404, 405}, (path, reply.text)
        assert "root:" not in reply.text


SIMPLE: dict[str, Callable[[], dict[str, str]]] = {
    "a form": lambda: {"Content-Type": "application/x-www-form-urlencoded"},
    "plain text": lambda: {"Content-Type": "text/plain"},
    "a multipart form": lambda: {"Content-Type": "multipart/form-data; boundary=x"},
    "no type": dict,
    "plain text that says json": lambda: {"Content-Type": "text/plain; application/json"},
}


@pytest.mark.parametrize("name", SIMPLE)
async def test_a_page_of_another_origin_writes_nothing_without_being_asked(theirs: Api, name: str) -> None:
    """There are no cookies: a browser has nothing to send by itself, and with a token no request is a simple one."""
    body, before = msgspec.json.encode(DECISION), await theirs.sequence()
    headers = {**SIMPLE[name](), "Origin": "https://evil.example.com", "Cookie": f"token={theirs.token()}"}
    for path in (SCORES, CONTROLS, "/v1.0/$batch"):
        reply = await theirs.client.post(path, content=body, headers=headers)
        assert reply.status_code == 401
        assert "set-cookie" not in reply.headers
        with_token = {**headers, "Authorization": f"Bearer {theirs.token()}"}
        if name != "no type":
            assert (await theirs.client.post(path, content=body, headers=with_token)).status_code == 415
    for field in ("access_token", "token", "authorization"):
        assert (await theirs.client.get(f"{SCORES}?{field}={theirs.token()}")).status_code == 401
    assert await theirs.sequence() == before
