"""What happens around the callers: imports, revocations, new keys and tenants, restarts, crashes, verification."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.stateful.bench import ENTITIES, NAMES, NUMBERS, WHO, as_sent
from tests.stateful.entities import OWNERS
from tests.stateful.estate import KINDS, TENANTS
from tests.stateful.model import SETS, Refused, Value, Write
from tests.stateful.operating import ACTOR
from tests.stateful.reading_rules import Reading

_TENANTS = st.integers(0, 7)
_ENTITIES = st.lists(
    st.tuples(NAMES, NUMBERS, st.sampled_from(list(OWNERS)), st.integers(0, 2)), min_size=1, max_size=6
)
# For each tenant whose each of its entities is at first, and which of its forms it has.
_BEGINNINGS = st.lists(
    st.tuples(st.sampled_from(("microsoft", "microsoft", "prowler")), st.integers(0, 2)),
    min_size=len(SETS) * ENTITIES,
    max_size=len(SETS) * ENTITIES,
)
_MOST_ENDINGS = 3
NEW_TENANT = "dddddddd-0000-4000-8000-000000000004"


class Operating(Reading):
    """Rules by which operators act, and machines fail."""

    def __init__(self) -> None:
        super().__init__()
        self._endings = 0
        self._rotations = 0

    @initialize(wanted=st.lists(_BEGINNINGS, min_size=len(TENANTS), max_size=len(TENANTS)))
    def begin(self, wanted: list[list[tuple[str, int]]]) -> None:
        """Begin with every entity in each tenant."""
        for place, drawn in enumerate(wanted):
            ids = ((name, number) for name in SETS for number in range(ENTITIES))
            entities = [(*id, *form) for id, form in zip(ids, drawn, strict=True)]
            self.load(place=place, wanted=entities, form="array", again=False)

    @rule(place=_TENANTS, wanted=_ENTITIES, form=st.sampled_from(("array", "lines")), again=st.booleans())
    def load(self, *, place: int, wanted: list[tuple[str, int, str, int]], form: str, again: bool) -> None:
        """Import a file, sometimes twice."""
        tenant = self._tenant(place)
        words = self.estate.words[tenant]
        entities = [
            (name, words.entity(name, number, owner=owner, variant=variant))
            for name, number, owner, variant in wanted
        ]
        data = _file([self._typed(name, value) for name, value in entities], form=form)
        counts: Mapping[str, int] | None = None
        for _ in range(1 + again):
            counts = self.stand.operate(lambda operating: operating.load(tenant, data))
            try:
                expected = self.estate.tenants[tenant].load(
                    entities, actor=f"operator:{ACTOR}", today=f"{datetime.now(UTC):%Y-%m-%d}"
                )
            except Refused:
                assert counts is None, counts
            else:
                assert counts == {**expected, "refused": 0}
        assert not again or counts is None or counts["new"] == counts["changed"] == 0

    @precondition(lambda self: self._endings < _MOST_ENDINGS)
    @rule(who=WHO)
    def revoke_app(self, *, who: int) -> None:
        """Revoke an application: none of its tokens counts any more."""
        caller = self.caller(who)
        if caller.name in self.estate.fallen or caller.name.startswith("writer"):
            return
        self._endings += 1
        self.stand.operate(lambda operating: operating.revoke_app(self.estate.apps[caller.name]))
        self.estate.noted("app.revoke", caller.tenant)
        self.stand.wait()
        self.estate.fallen.add(caller.name)
        assert self.ask(caller, "GET", "/v1.0/security/secureScores").status == 401

    @precondition(lambda self: self._endings < _MOST_ENDINGS)
    @rule(who=WHO)
    def revoke_tokens(self, *, who: int) -> None:
        """End the tokens of an application, which gets a new one."""
        caller = self.caller(who)
        if caller.name in self.estate.fallen:
            return
        self._endings += 1
        self.stand.operate(lambda operating: operating.revoke_tokens(self.estate.apps[caller.name]))
        self.estate.noted("app.tokens.revoke", caller.tenant)
        self.stand.wait()
        self.estate.fallen.add(caller.name)
        assert self.ask(caller, "GET", "/v1.0/security/secureScores").status == 401
        self.estate.fallen.remove(caller.name)
        self._renew(caller.name)

    @precondition(lambda self: self._rotations < 1)
    @rule(who=WHO)
    def rotate_key(self, *, who: int) -> None:
        """Rotate the signing key: tokens that are there stay good, and new ones are."""
        self._rotations += 1
        self.stand.operate(lambda operating: operating.rotate_key())
        caller = self.caller(who)
        if caller.name not in self.estate.fallen:
            assert self.ask(caller, "GET", "/v1.0/security/secureScores").status == 200
            self._renew(caller.name)
            assert self.ask(caller, "GET", "/v1.0/security/secureScores").status == 200

    def _renew(self, name: str) -> None:
        caller = self.estate.callers[name]
        kind = next(kind for kind in KINDS if name.startswith(f"{kind.name} of"))
        upn = caller.shown if kind.role is not None else None
        roles = (kind.role,) if kind.role is not None else ()
        app = self.estate.apps[name]
        self.estate.tokens[name] = self.stand.operate(
            lambda operating: operating.issue(app, caller.tenant, upn=upn, roles=roles)
        )
        self.estate.noted("token.issue", caller.tenant)

    @precondition(lambda self: NEW_TENANT not in self.estate.tenants)
    @rule()
    def add_tenant(self) -> None:
        """Add a tenant with callers of its own."""
        self.stand.operate(lambda operating: self.estate.settle(operating, NEW_TENANT))
        self.stand.wait()

    @rule(crashes=st.booleans())
    def start_again(self, *, crashes: bool) -> None:
        """Stop the server, or let it crash, and start it."""
        if crashes:
            self.stand.crash()
        else:
            self.stand.restart()

    @rule(place=_TENANTS)
    def verify(self, *, place: int) -> None:
        """Verify a tenant's chain, and that its history says of each write what was acknowledged, once."""
        self.verify_tenant(self._tenant(place))

    def verify_tenant(self, tenant: str) -> None:
        """Hold a tenant's history against the model."""
        model = self.estate.tenants[tenant]
        assert self.stand.operate(lambda operating: operating.verify(tenant)) == model.sequence
        records = self.stand.history(tenant)
        assert [record["sequence"] for record in records] == list(range(1, model.sequence + 1))
        assert [record["command"] for record in records] == list(dict.fromkeys(r["command"] for r in records))
        for record in records:
            actor = record["actor"]
            assert isinstance(actor, str) or actor["tid"] == tenant
            touched = {(each["set"], each["id"]) for each in record["entities"] if each["set"] in SETS}
            name = actor if isinstance(actor, str) else actor["name"]
            written = Write(record["operation"], name, frozenset(touched))
            assert written == model.history[record["sequence"]], (written, model.history[record["sequence"]])

    def _tenant(self, place: int) -> str:
        tenants = list(self.estate.tenants)
        return tenants[place % len(tenants)]

    def _typed(self, name: str, value: Value) -> Value:
        kind = {"secureScores": "secureScore", "secureScoreControlProfiles": "secureScoreControlProfile"}
        return {"@odata.type": f"#microsoft.graph.{kind.get(name, 'userSecurityProfile')}", **as_sent(value)}


def _file(values: list[Value], *, form: str) -> bytes:
    texts = [json.dumps(value) for value in values]
    return ("[" + ",".join(texts) + "]" if form == "array" else "\n".join(texts)).encode()
