"""The reads of callers: one entity, lists page by page while others write, and what changed since they asked last."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.stateful.bench import NAMES, NUMBERS, ROOTS, WHERE, WHO, address
from tests.stateful.model import CONTROLS, MICROSOFT, SCORES, USERS, Caller, Value, owner_of, same_owner
from tests.stateful.writing_rules import Writing

# What a filter says, and what that means.
FILTERS: dict[str, list[tuple[str, Callable[[Value], bool]]]] = {
    CONTROLS: [
        ("maxScore ge 5", lambda value: value["maxScore"] is not None and value["maxScore"] >= 5),
        (
            "controlStateUpdates/any(s:s/state eq 'Ignored')",
            lambda v: v["controlStateUpdates"][0]["state"] == "Ignored",
        ),
        (
            "vendorInformation/provider eq 'prowler'",
            lambda v: v["vendorInformation"]["provider"] == "prowler",
        ),
        (
            "rank mod 2 eq 1 or endswith(id,'@prowler')",
            lambda v: v["rank"] % 2 == 1 or v["id"].endswith("@prowler"),
        ),
    ],
    SCORES: [
        ("currentScore gt 10", lambda value: value["currentScore"] > 10),
        ("createdDateTime ge 2026-01-02T00:00:00Z", lambda value: value["createdDateTime"] >= "2026-01-02"),
        (
            "controlScores/any(c:c/score eq 1.5) and not (currentScore eq 30)",
            lambda v: v["currentScore"] != 30,
        ),
    ],
    USERS: [
        ("riskScore eq 'high'", lambda value: value["riskScore"] == "high"),
        ("tags/$count gt 0", lambda value: len(value["tags"]) > 0),
    ],
}
_ORDERS = st.sampled_from((None, "id", "id desc"))
_STEPS = 40
# The writer and the limited app of each tenant: rounds say most to those who come again.
_FOLLOWERS = st.integers(0, 5)


@dataclass
class Copy:
    """A client's copy of a set, kept up to date by rounds of changes."""

    root: str
    held: dict[str, Value] = field(default_factory=dict)
    link: str | None = None
    began: int = 0  # the number of the tenant's last change when the round began
    under_way: bool = False


class Reading(Writing):
    """Rules by which callers read."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: dict[tuple[str, str], Copy] = {}

    @rule(who=WHO, name=NAMES, number=NUMBERS, where=WHERE, root=ROOTS, known=st.booleans())
    def get(self, *, who: int, name: str, number: int, where: str, root: str, known: bool) -> None:
        """GET an entity, sometimes only if it is not the one that is known."""
        caller = self.caller(who)
        id = self.id_of(caller, name, number, where)
        row = self.tenant(caller).found(caller, name, id)
        headers = {"If-None-Match": self.etag(row.version)} if known and row is not None else {}
        answer = self.ask(caller, "GET", address(root, name, id), headers=headers)
        if status := self.denied(caller, writes=False):
            assert answer.status == status
        elif row is None:
            assert answer.status == 404, answer.text
        elif headers:
            assert answer.status == 304, answer.text
        else:
            assert answer.status == 200, answer.text
            assert answer.headers["etag"] == self.etag(row.version)
            self.check_entity(caller, name, json.loads(answer.body), row)

    @rule(
        who=WHO,
        name=NAMES,
        root=ROOTS,
        place=st.integers(0, 7),
        order=_ORDERS,
        top=st.sampled_from((None, 1, 2)),
        meanwhile=st.sampled_from((None, None, "delete", "create")),
        other=WHO,
    )
    def read_list(
        self,
        *,
        who: int,
        name: str,
        root: str,
        place: int,
        order: str | None,
        top: int | None,
        meanwhile: str | None,
        other: int,
    ) -> None:
        """GET a list by its pages to the end, sometimes while somebody writes."""
        caller = self.caller(who)
        says, holds = ([*FILTERS[name], *[("", lambda _: True)] * 4])[place % (len(FILTERS[name]) + 4)]
        options = {"$filter": says, "$orderby": order, "$top": top, "$count": "true"}
        query = "&".join(
            f"{key}={_encoded(str(text))}" for key, text in options.items() if text not in (None, "")
        )
        link: str | None = f"{address(root, name)}?{query}"
        first, before = link, self._wanted(caller, name, holds)
        seen: list[str] = []
        for _ in range(_STEPS):
            assert link is not None
            answer = self.ask(caller, "GET", link)
            if status := self.denied(caller, writes=False):
                assert answer.status == status
                return
            assert answer.status == 200, answer.text
            page = json.loads(answer.body)
            now = self._wanted(caller, name, holds)
            assert page["@odata.count"] == len(now)
            self._check_rows(caller, name, page["value"], holds)
            seen += [value["id"] for value in page["value"]]
            link = _path(page.get("@odata.nextLink"))
            if link is None:
                break
            if meanwhile is not None:
                self._write_meanwhile(caller, name, meanwhile)
        assert link is None
        assert len(seen) == len(set(seen)), seen
        assert (
            before & self._wanted(caller, name, holds)
            <= set(seen)
            <= before | self._wanted(caller, name, holds)
        )
        if meanwhile is None:
            assert seen == self._ordered(caller, name, before, order)
        self._ask_the_same(self.caller(other), name, first, holds)

    def _ask_the_same(
        self, caller: Caller, name: str, link: str | None, holds: Callable[[Value], bool]
    ) -> None:
        """Ask for a first page that somebody else has just had."""
        assert link is not None
        answer = self.ask(caller, "GET", link)
        if status := self.denied(caller, writes=False):
            assert answer.status == status
            return
        page = json.loads(answer.body)
        assert page["@odata.count"] == len(self._wanted(caller, name, holds))
        self._check_rows(caller, name, page["value"], holds)

    def _check_rows(
        self, caller: Caller, name: str, values: list[Value], holds: Callable[[Value], bool]
    ) -> None:
        for value in values:
            row = self.tenant(caller).found(caller, name, value["id"])
            assert row is not None, value
            self.check_entity(caller, name, value, row)
            assert holds(row.value), value

    def _wanted(self, caller: Caller, name: str, holds: Callable[[Value], bool]) -> set[str]:
        return {id for id, value in self.tenant(caller).visible(caller, name).items() if holds(value)}

    def _ordered(self, caller: Caller, name: str, ids: set[str], order: str | None) -> list[str]:
        values = self.tenant(caller).visible(caller, name)
        found = sorted(ids, reverse=order == "id desc")
        if name == SCORES and order is None:
            # The newest first; of one day Microsoft's own first, then by provider.
            found.sort(key=lambda id: values[id]["vendorInformation"]["provider"])
            found.sort(key=lambda id: not same_owner(owner_of(values[id]), MICROSOFT))
            found.sort(key=lambda id: values[id]["createdDateTime"], reverse=True)
        return found

    def _write_meanwhile(self, caller: Caller, name: str, how: str) -> None:
        """Let the writer of the tenant write between two pages."""
        # The first to have a turn is the writer.
        writer = list(self.estate.tenants).index(caller.tenant)
        if how == "delete":
            self.delete(who=writer, name=name, number=1, where="own", match=None)
        else:
            self.create(
                who=writer, name=name, number=2, root="beta", owner="microsoft", variant=1, elsewhere=False
            )

    @rule(who=_FOLLOWERS, name=NAMES, root=ROOTS, top=st.integers(1, 3), thief=WHO)
    def read_changes(self, *, who: int, name: str, root: str, top: int, thief: int) -> None:
        """GET one page of what changed; somebody else who comes by the link has no use of it."""
        caller = self.caller(who)
        copy = self.copies.setdefault((caller.name, name), Copy("beta" if name == USERS else root))
        page = self._page_of_changes(caller, name, copy, top=top)
        if page is not None and copy.link is not None:
            self._steal(self.caller(thief), caller, copy.link)

    def _page_of_changes(self, caller: Caller, name: str, copy: Copy, *, top: int) -> dict[str, Any] | None:
        if not copy.under_way:
            copy.began, copy.under_way = self.tenant(caller).sequence, True
        answer = self.ask(caller, "GET", copy.link or f"{address(copy.root, name)}/delta?$top={top}")
        if status := self.denied(caller, writes=False):
            assert answer.status == status
            copy.under_way = False
            return None
        assert answer.status == 200, answer.text
        page: dict[str, Any] = json.loads(answer.body)
        for value in page["value"]:
            if "@removed" in value:
                copy.held.pop(value["id"], None)
            else:
                copy.held[value["id"]] = value
        copy.link = _path(page.get("@odata.nextLink") or page["@odata.deltaLink"])
        if "@odata.deltaLink" in page:
            copy.under_way = False
            if copy.began == self.tenant(caller).sequence:
                self._check_copy(caller, name, copy)
        return page

    def _check_copy(self, caller: Caller, name: str, copy: Copy) -> None:
        """Check that a copy holds what its owner may see, no more and no less."""
        assert set(copy.held) == set(self.tenant(caller).visible(caller, name))
        for id, value in copy.held.items():
            self.check_entity(caller, name, value, self.tenant(caller).rows[name][id])

    def _steal(self, thief: Caller, owner: Caller, link: str) -> None:
        limits = [each.provider and each.provider.lower() for each in (thief, owner)]
        if (thief.tenant, limits[0]) == (owner.tenant, limits[1]):
            return
        answer = self.ask(thief, "GET", link)
        assert answer.status == (self.denied(thief, writes=False) or 410), answer.text

    def finish_copies(self) -> None:
        """Read every copy up to date."""
        for (who, name), copy in self.copies.items():
            caller = self.estate.callers[who]
            for _ in range(_STEPS):
                page = self._page_of_changes(caller, name, copy, top=3)
                if page is None or (not copy.under_way and copy.began == self.tenant(caller).sequence):
                    break
            else:
                raise AssertionError(f"{who} never comes to the end of what changed in {name}.")


def _path(link: str | None) -> str | None:
    """Return a link without the address of the server, which may have another one after a restart."""
    return None if link is None else "/" + link.split("/", 3)[3]


def _encoded(text: str) -> str:
    return text.replace(" ", "%20").replace("+", "%2B")
