"""The bench of the machine: a stand, the model beside it, and what holds of every answer.

- No answer, header or line of the log says anything of another tenant, but for what the request itself said.
- No line of the log holds what entities say, or a token. No answer is a fault of the server.
- Of an entity the answer, its entity tag and its time are what the model says, as often as they are asked for.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from copy import deepcopy
from typing import Any, ClassVar
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.databases import Database
from tests.stateful.entities import Words
from tests.stateful.estate import TENANTS
from tests.stateful.in_process import InProcess
from tests.stateful.model import CONTROLS, SETS, SOME_TIME, USERS, Caller, Fit, Row, Tenant, Value
from tests.stateful.stand import Answer, Stand
from tests.stateful.stores import Stores, files

WHO = st.integers(0, 43)
NAMES = st.sampled_from(SETS)
# So many of each set in each tenant.
ENTITIES = 4
NUMBERS = st.integers(0, ENTITIES - 1)
ROOTS = st.sampled_from(("v1.0", "beta"))
WHERE = st.sampled_from((*["own"] * 9, "beside", "foreign", "unknown"))
MATCHES = st.sampled_from(
    (*[None] * 6, "current", "current", "stale", "*", "listed", "other epoch", "garbage")
)

_INSTANT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_FAULT = 500
# Who has a turn how often: of those who may do nothing, a few attempts are enough.
_TURNS = (
    "writer",
    "limited",
    "administrator",
    "reader",
    "writer",
    "limited reader",
    "limited",
    "viewer",
    "writer",
    "expired",
    "revoked",
)
_NOBODYS_VERSION = 10**9
_MOST_SENT = 20


class Bench(RuleBasedStateMachine):
    """A stand and its model; the store is on SQLite where no others are given."""

    stores: ClassVar[Stores | None] = None
    stand_at: ClassVar[Callable[[Database], Stand]] = InProcess

    def __init__(self) -> None:
        super().__init__()
        self._lent = ExitStack()
        database, estate = self._lent.enter_context((type(self).stores or files()).lent())
        self.estate = deepcopy(estate)
        self.stand = type(self).stand_at(database)
        self.epoch = self.stand.operate(lambda operating: operating.epoch)
        self._times: dict[tuple[str, str, int], str] = {}
        self._sent: list[str] = []

    def teardown(self) -> None:
        """End the stand, and leave nothing of it."""
        self.stand.close()
        self._lent.close()

    def caller(self, who: int) -> Caller:
        """Return one of the callers."""
        tenants = list(self.estate.tenants)
        place, turn = who % len(tenants), who // len(tenants)
        return self.named(_TURNS[turn % len(_TURNS)], tenants[place])

    def named(self, kind: str, tenant: str) -> Caller:
        """Return a tenant's caller of a kind."""
        return self.estate.callers[f"{kind} of {tenant[0]}"]

    def tenant(self, caller: Caller) -> Tenant:
        """Return the model of a caller's tenant."""
        return self.estate.tenants[caller.tenant]

    def words(self, caller: Caller) -> Words:
        """Return the words of a caller's tenant."""
        return self.estate.words[caller.tenant]

    def denied(self, caller: Caller, *, writes: bool) -> int | None:
        """Return the status by which a caller is refused whatever they ask, None for one who is let in."""
        if caller.name in self.estate.fallen:
            return 401
        return 403 if writes and not caller.writes else None

    def id_of(self, caller: Caller, name: str, number: int, where: str) -> str:
        """Return an id: of the caller's own tenant, beside one of it, of another tenant, or nobody's."""
        own = self.words(caller).id(name, number)
        if where == "foreign":
            other = (
                TENANTS[(TENANTS.index(caller.tenant) + 1) % len(TENANTS)]
                if caller.tenant in TENANTS
                else TENANTS[0]
            )
            return self.estate.words[other].id(name, number | 1)
        return {"own": own, "beside": f"{own}@prowler", "unknown": "nobody's"}[where]

    def fit(self, match: str | None, row: Row | None) -> tuple[dict[str, str], Fit | None]:
        """Return the header If-Match, and what it asks for; None for one that nobody can read."""
        version = row.version if row is not None else _NOBODYS_VERSION
        match match:
            case None:
                return {}, Fit()
            case "*":
                return {"If-Match": "*"}, Fit()
            case "current":
                return {"If-Match": self.etag(version)}, Fit(version, any=False)
            case "listed":
                return {"If-Match": f'"x-1", {self.etag(version)}'}, Fit(version, any=False)
            case "stale":
                return {"If-Match": self.etag(version - 1)}, Fit(version - 1, any=False)
            case "other epoch":
                return {"If-Match": f'W/"other-{version}"'}, Fit(None, any=False)
            case _:
                return {"If-Match": "garbage"}, None

    def etag(self, version: int) -> str:
        """Return the entity tag of a version."""
        return f'W/"{self.epoch}-{version}"'

    def ask(
        self,
        caller: Caller,
        method: str,
        target: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Answer:
        """Send a request and look at what holds of every answer."""
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        fields = dict(headers or {})
        token = token or self.estate.tokens[caller.name]
        answer = self.stand.send(method, target, token=token, headers=fields, body=content)
        assert answer.status < _FAULT, answer.text
        self._look(caller, answer, sent=f"{target}\n{content.decode()}")
        return answer

    def _look(self, caller: Caller, answer: Answer, *, sent: str) -> None:
        # A server writes its lines a moment later: those of the last requests may come now.
        self._sent = [*self._sent[-_MOST_SENT:], sent]
        for line in self.stand.log():
            self._look_at_line(line)
        for tenant, words in self.estate.words.items():
            # Whoever is refused is told at most what they said themselves, of their own tenant too.
            if tenant != caller.tenant or caller.name in self.estate.fallen:
                for word in (tenant, words.mark, words.secret):
                    assert word in sent or word not in answer.text, answer.text

    def _look_at_line(self, line: str) -> None:
        assert not any(token in line for token in self.estate.tokens.values()), line
        for tenant, words in self.estate.words.items():
            assert words.secret not in line, line
            if f'"tenant":"{tenant}"' not in line:
                for word in (tenant, words.mark):
                    assert word not in line or any(word in sent for sent in self._sent), line

    def check_entity(self, caller: Caller, name: str, found: Value, row: Row) -> None:
        """Check an entity as it was answered."""
        found = {key: value for key, value in found.items() if not key.startswith("@")}
        expected = row.value
        if name == CONTROLS:
            expected = {**expected, "controlStateUpdates": [self._timed(caller, found, row)]}
        assert found == expected

    def _timed(self, caller: Caller, found: Value, row: Row) -> Value:
        """Return the decision that must be shown, with the time that was seen first."""
        (shown,) = row.value["controlStateUpdates"]
        if shown["updatedDateTime"] != SOME_TIME:
            return dict(shown)
        (seen,) = found["controlStateUpdates"]
        assert _INSTANT.fullmatch(seen["updatedDateTime"] or "")
        key = (caller.tenant, row.value["id"], row.version)
        return {**shown, "updatedDateTime": self._times.setdefault(key, seen["updatedDateTime"])}


def address(root: str, name: str, id: str | None = None) -> str:
    """Return the path of a set or an entity; users are served in beta alone."""
    path = f"/{'beta' if name == USERS else root}/security/{name}"
    return path if id is None else f"{path}/{quote(id, safe='')}"


def as_sent(value: Value, *, tenant: str | None = None) -> dict[str, Any]:
    """Return an entity as a client sends it: without what is absent, and without decisions."""
    given = {key: part for key, part in value.items() if part not in (None, [])}
    given.pop("controlStateUpdates", None)
    return {**given, **({} if tenant is None else {"azureTenantId": tenant})}
