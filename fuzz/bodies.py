"""What is read of a body: JSON as a value, as an entity, as a decision; and what is taken out of stored JSON."""

import json
import math
from contextlib import suppress

import msgspec

from fuzz.target import parted
from stanchion.errors import BadRequest, StanchionError
from stanchion.ledger.control_bodies import ControlBody
from stanchion.ledger.decisions import Standing, parse_request
from stanchion.ledger.edits import showing
from stanchion.ledger.plain_requests import parse_plain
from stanchion.ledger.working_set import Stored
from stanchion.model.check import check_entity, column_values, complete, same_value
from stanchion.model.edm import GRAPH_SETS, RootName
from stanchion.model.json_text import JsonValue, dump_json, load_object, parse_json, parse_object
from stanchion.odata.property_value import as_text, number_of_items, value_at
from stanchion.odata.select import cut, parse_select

_ROOTS: tuple[RootName, ...] = ("v1.0", "beta")
_DECISION = Standing(
    comment='why \u00e9 "quoted"', updated_by="someone", updated="2026-01-31T00:00:00.000000Z"
)


def fuzz_json(data: bytes) -> None:
    """Read a JSON text; two other readers read the same in what is read, and written it reads the same."""
    try:
        value = parse_json(data)
    except BadRequest:
        assert not _is_innocent(data), "refused without a reason"
        return
    assert json.loads(data.decode("utf-8-sig")) == value
    assert msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf")) == value
    assert parse_json(dump_json(value)) == value


def _is_innocent(data: bytes) -> bool:
    """Say whether a text is JSON of the plainest kind, which nobody may refuse: an object of short texts."""
    try:
        pairs = json.loads(data.decode(), object_pairs_hook=list)
    except (ValueError, RecursionError):
        return False
    return (
        data.startswith(b"{")
        and isinstance(pairs, list)
        and all(
            isinstance(text, str) and text.isascii() and "\x00" not in text for pair in pairs for text in pair
        )
        and len({name for name, _ in pairs}) == len(pairs)
    )


def fuzz_entity(data: bytes) -> None:
    """Judge an object against each type: what is checked stays as it is when it is checked, kept and read again."""
    with suppress(StanchionError):
        value = parse_object(data)
        for entity_set in GRAPH_SETS:
            with suppress(StanchionError):
                checked = check_entity(value, entity_set, whole=False)
                assert check_entity(checked, entity_set, whole=False) == checked
                whole = complete(checked, entity_set)
                assert load_object(dump_json(whole)) == whole
                assert same_value(whole, whole, entity_set.type)
                assert all(_fits_a_column(column) for column in column_values(entity_set, whole).values())


def _fits_a_column(value: JsonValue) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def fuzz_decision(data: bytes) -> None:
    """Read the PATCH of a control: the quick reading says what the strict one says, or leaves it to that one."""
    for root in _ROOTS:
        plain = parse_plain(data, root=root)
        try:
            strict = parse_request(parse_object(data), root=root)
        except StanchionError:
            assert plain is None
        else:
            assert plain in (None, strict), (plain, strict)


def fuzz_properties(data: bytes) -> None:
    """Take a property, a selection and a decision out of or into stored JSON: spliced is what decoded would be."""
    names, body = parted(data, 2)
    with suppress(StanchionError):
        value = parse_object(body)
        stored = dump_json(value)
        _take(value, stored, tuple(names.decode("utf-8", "replace").split("/")))
        with suppress(StanchionError):
            select = parse_select(names.decode("utf-8", "replace"))
            kept = load_object(cut(stored, select)) if select is not None else value
            assert kept.items() <= value.items() or kept.keys() <= value.keys()
        control = {**value, "id": "a"}
        held = Stored("a", 1, dump_json(control))
        assert load_object(ControlBody(held).showing(_DECISION)) == showing(control, _DECISION)


def _take(value: JsonValue, stored: bytes, path: tuple[str, ...]) -> None:
    found: JsonValue = value
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    taken = value_at(stored, path, None)
    assert (None if taken is None else msgspec.json.decode(taken)) == found
    if taken is not None:
        as_text(taken)
        number_of_items(taken)
