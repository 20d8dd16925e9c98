"""Requests of a batch, and what each of them must do to a tenant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.stateful.bench import address
from tests.stateful.entities import Words
from tests.stateful.model import CONTROLS, SCORES, USERS, Caller, Fit, Outcome, Tenant

Play: TypeAlias = Callable[[Tenant, Caller], Outcome]


@dataclass(frozen=True)
class Item:
    """One request, the entity that it concerns, the requests that it waits for, and what it means."""

    id: str
    kind: str
    name: str
    entity_id: str
    after: tuple[str, ...]
    request: dict[str, Any]
    play: Play


def arranged(words: Words, wanted: Sequence[tuple[str, int, bool]]) -> list[Item]:
    """Return a batch of these kinds; of two about one entity the later one waits for the earlier."""
    items: list[Item] = []
    last: dict[tuple[str, str], str] = {}
    removes = False
    for place, (asked, number, own) in enumerate(wanted, 1):
        # The answer to a removal tells no version, so that of two nobody could say which was first.
        made = _item(words, "read" if asked == "delete" and removes else asked, number, own=own)
        removes = removes or asked == "delete"
        kind, name, entity_id, method, body, play = made
        after = (last[name, entity_id],) if (name, entity_id) in last else ()
        last[name, entity_id] = str(place)
        request: dict[str, Any] = {
            "id": str(place),
            "method": method,
            "url": address("beta", name, entity_id),
        }
        if body is not None:
            request |= {"body": body, "headers": {"Content-Type": "application/json"}}
        if after:
            request["dependsOn"] = list(after)
        items.append(Item(str(place), kind, name, entity_id, after, request, play))
    return items


def _item(
    words: Words, kind: str, number: int, *, own: bool
) -> tuple[str, str, str, str, dict[str, Any] | None, Play]:
    name = {"decide": CONTROLS, "merge": SCORES, "delete": USERS, "read": CONTROLS if own else SCORES}[kind]
    id = words.id(name, number)
    match kind:
        case "decide":
            said = {"comment": f"in a batch {own} {words.secret}"}
            return (
                kind,
                name,
                id,
                "PATCH",
                said,
                lambda t, c: t.decide(c, id, owner=None, said=said, fit=Fit()),
            )
        case "merge":
            patch = {"currentScore": 77 + own}
            return kind, name, id, "PATCH", patch, lambda t, c: t.merge(c, name, id, patch=patch, fit=Fit())
        case "delete":
            return kind, name, id, "DELETE", None, lambda t, c: t.delete(c, name, id, fit=Fit())
        case _:
            return kind, name, id, "GET", None, lambda _, __: Outcome(500)
