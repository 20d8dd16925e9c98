"""The writes of callers: decisions, entities added, changed and removed, one by one and in batches."""

import json

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.stateful.batching import Item, arranged
from tests.stateful.bench import MATCHES, NAMES, NUMBERS, ROOTS, WHERE, WHO, Bench, address, as_sent
from tests.stateful.entities import COMMENTS, OWNERS, RISKS
from tests.stateful.model import CONTROLS, MICROSOFT, SCORES, USERS, Caller, Outcome, Owner, owner_of
from tests.stateful.stand import Answer

_UNSAID = "-"
_PREFERENCES = st.sampled_from((None, "return=representation", "Return=Minimal"))
_OWNERS = st.sampled_from(("right", "right", "right", "other case", "wrong", "none"))


class Writing(Bench):
    """Rules by which callers write."""

    @rule(
        who=WHO,
        number=NUMBERS,
        where=WHERE,
        root=ROOTS,
        owner=_OWNERS,
        state=st.sampled_from((_UNSAID, "Ignored", "default", "THIRDPARTY", "Reviewed", "nonsense")),
        comment=st.sampled_from((_UNSAID, None, *COMMENTS)),
        assigned=st.sampled_from((_UNSAID, None, "someone")),
        match=MATCHES,
        prefer=_PREFERENCES,
    )
    def decide(
        self,
        *,
        who: int,
        number: int,
        where: str,
        root: str,
        owner: str,
        state: str,
        comment: str | None,
        assigned: str | None,
        match: str | None,
        prefer: str | None,
    ) -> None:
        """PATCH a control."""
        caller = self.caller(who)
        id = self.id_of(caller, CONTROLS, number, where)
        named = self._owner(caller, id, owner)
        said = {
            "state": state,
            "comment": self._said(caller, comment),
            "assignedTo": self._said(caller, assigned),
        }
        said = {name: text for name, text in said.items() if text != _UNSAID}
        information = (
            {} if named is None else {"vendorInformation": {"vendor": named[0], "provider": named[1]}}
        )
        headers, fit = self.fit(match, self.tenant(caller).rows[CONTROLS].get(id))
        fields = headers if prefer is None else {**headers, "Prefer": prefer}
        answer = self.ask(
            caller, "PATCH", address(root, CONTROLS, id), body={**said, **information}, headers=fields
        )
        status = self.denied(caller, writes=True)
        malformed = fit is None or state == "nonsense" or (named is None and root == "v1.0")
        if status is None and malformed:
            status = 400
        if status is not None:
            assert answer.status == status, answer.text
            return
        assert fit is not None
        outcome = self.tenant(caller).decide(caller, id, owner=named, said=said, fit=fit)
        wanted = 200 if outcome.status == 204 and prefer == "return=representation" else outcome.status
        assert answer.status == wanted, (answer.status, answer.text, outcome)
        self._check(caller, CONTROLS, answer, outcome)

    @rule(
        who=WHO,
        name=NAMES,
        number=NUMBERS,
        root=ROOTS,
        owner=st.sampled_from(list(OWNERS)),
        variant=st.integers(0, 2),
        elsewhere=st.sampled_from((False, False, False, True)),
    )
    def create(
        self, *, who: int, name: str, number: int, root: str, owner: str, variant: int, elsewhere: bool
    ) -> None:
        """POST an entity, sometimes as another tenant's."""
        caller = self.caller(who)
        value = self.words(caller).entity(name, number, owner=owner, variant=variant)
        other = next(tenant for tenant in self.estate.tenants if tenant != caller.tenant)
        body = as_sent(value, tenant=other if elsewhere else None)
        answer = self.ask(caller, "POST", address(root, name), body=body)
        status = self.denied(caller, writes=True) or (400 if elsewhere else None)
        if status is not None:
            assert answer.status == status, answer.text
            return
        outcome = self.tenant(caller).create(caller, name, value)
        assert answer.status == outcome.status, (answer.text, outcome)
        self._check(caller, name, answer, outcome)

    @rule(
        who=WHO, number=NUMBERS, where=WHERE, value=st.integers(0, 3), is_score=st.booleans(), match=MATCHES
    )
    def merge(
        self, *, who: int, number: int, where: str, value: int, is_score: bool, match: str | None
    ) -> None:
        """PATCH a score or a user."""
        caller, name = self.caller(who), SCORES if is_score else USERS
        id = self.id_of(caller, name, number, where)
        patch = {"currentScore": value * 5} if is_score else {"riskScore": RISKS[value % 2]}
        headers, fit = self.fit(match, self.tenant(caller).rows[name].get(id))
        answer = self.ask(caller, "PATCH", address("beta", name, id), body=patch, headers=headers)
        status = self.denied(caller, writes=True) or (400 if fit is None else None)
        if status is not None:
            assert answer.status == status, answer.text
            return
        assert fit is not None
        outcome = self.tenant(caller).merge(caller, name, id, patch=patch, fit=fit)
        assert answer.status == outcome.status, (answer.text, outcome)
        self._check(caller, name, answer, outcome)

    @rule(who=WHO, name=NAMES, number=NUMBERS, where=WHERE, match=MATCHES)
    def delete(self, *, who: int, name: str, number: int, where: str, match: str | None) -> None:
        """DELETE an entity."""
        caller = self.caller(who)
        id = self.id_of(caller, name, number, where)
        headers, fit = self.fit(match, self.tenant(caller).rows[name].get(id))
        answer = self.ask(caller, "DELETE", address("beta", name, id), headers=headers)
        status = self.denied(caller, writes=True) or (400 if fit is None else None)
        if status is None and fit is not None:
            status = self.tenant(caller).delete(caller, name, id, fit=fit).status
        assert answer.status == status, (answer.text, status)

    @rule(
        who=WHO,
        items=st.lists(
            st.tuples(st.sampled_from(("read", "decide", "merge", "delete")), NUMBERS, st.booleans()),
            min_size=1,
            max_size=6,
        ),
    )
    def batch(self, *, who: int, items: list[tuple[str, int, bool]]) -> None:
        """POST a $batch, in which what concerns one entity waits for what concerned it before."""
        caller = self.caller(who)
        arrangement = arranged(self.words(caller), items)
        body = {"requests": [item.request for item in arrangement]}
        answer = self.ask(
            caller, "POST", "/beta/$batch", body=body, headers={"Content-Type": "application/json"}
        )
        if self.denied(caller, writes=False):
            assert answer.status == 401
            return
        assert answer.status == 200, answer.text
        answers = {each["id"]: each for each in json.loads(answer.body)["responses"]}
        assert list(answers) == [item.id for item in arrangement]
        self._play(caller, arrangement, answers)

    def _play(self, caller: Caller, items: list[Item], answers: dict[str, dict[str, object]]) -> None:
        """Play the batch on the model, in the order in which it says that the writes were made."""
        statuses: dict[str, int] = {}
        waiting = list(items)
        while waiting:
            ready = [item for item in waiting if all(id in statuses for id in item.after)]
            item = min(ready, key=lambda item: self._turn(caller, item, answers[item.id]))
            statuses[item.id] = self._played(caller, item, statuses, answers[item.id])
            waiting.remove(item)

    def _turn(self, caller: Caller, item: Item, answer: dict[str, object]) -> tuple[int, int]:
        """Return when a request had its turn: what wrote nothing, then what wrote the next change.

        The version of an answer tells; a removal tells none, and has its turn where no other write fits.
        """
        version, following = self._version(answer), self.tenant(caller).sequence + 1
        if item.kind == "delete":
            return 2, 0
        return (0, 0) if version < following else (1, 0) if version == following else (3, version)

    def _version(self, answer: dict[str, object]) -> int:
        headers = answer["headers"]
        assert isinstance(headers, dict)
        tag = {name.lower(): text for name, text in headers.items()}.get("etag", 'x-0"')
        return int(tag.rpartition("-")[2].strip('"'))

    def _played(self, caller: Caller, item: Item, statuses: dict[str, int], answer: dict[str, object]) -> int:
        denied = self.denied(caller, writes=item.kind != "read")
        row = self.tenant(caller).found(caller, item.name, item.entity_id)
        if any(statuses[id] >= 400 for id in item.after):
            wanted = Outcome(424)
        elif denied is not None:
            wanted = Outcome(denied)
        elif item.kind == "read":
            wanted = Outcome(404) if row is None else Outcome(200, row)
        else:
            wanted = item.play(self.tenant(caller), caller)
        assert answer["status"] == wanted.status, (item.request, answer, wanted)
        if wanted.row is not None:
            assert self._version(answer) == wanted.row.version
        if wanted.row is not None and isinstance(answer.get("body"), dict) and answer["status"] == 200:
            self.check_entity(caller, item.name, answer["body"], wanted.row)  # type: ignore[arg-type]
        return wanted.status

    def _owner(self, caller: Caller, id: str, owner: str) -> Owner | None:
        row = self.tenant(caller).rows[CONTROLS].get(id)
        right = (owner_of(row.value) if row is not None else None) or MICROSOFT
        wrong = ("Somebody", "else")
        other_case = (right[0].upper(), right[1].swapcase())
        return {"right": right, "other case": other_case, "wrong": wrong, "none": None}[owner]

    def _said(self, caller: Caller, text: str | None) -> str | None:
        return text if text in (None, _UNSAID) else f"{text} {self.words(caller).secret}"

    def _check(self, caller: Caller, name: str, answer: Answer, outcome: Outcome) -> None:
        if outcome.row is None:
            return
        assert answer.headers["etag"] == self.etag(outcome.row.version), (answer.headers, outcome)
        if answer.body:
            self.check_entity(caller, name, json.loads(answer.body), outcome.row)
