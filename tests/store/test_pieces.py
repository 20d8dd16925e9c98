"""Long pages in pieces: they are the pages that come as a whole, and what is read later is as it is then."""

import asyncio
from itertools import product

import pytest
from msgspec.structs import replace

from stanchion.errors import ServiceUnavailable
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.model.json_text import JsonObject
from stanchion.odata.filter import parse_filter
from stanchion.odata.query import ListQuery, OrderKey, property_key, total_order
from stanchion.store import Page
from stanchion.store.bodies import body_bytes, pack
from stanchion.store.page_plan import IDS_AT_ONCE
from stanchion.store.page_reading import ROWS_AT_ONCE
from tests.databases import AnyStore, Database
from tests.store.commands import OTHER_TENANT, TENANT, control, delete, put, put_all
from tests.store.filtering import PLENTY, ids_of

ROWS = 40
PIECE_BYTES = 20_000
IN_BODIES = property_key(CONTROL_PROFILES, ("vendorInformation", "subProvider"))
BY_TITLE = property_key(CONTROL_PROFILES, ("title",), descending=True)


def large(number: int, **members: str) -> JsonObject:
    """Return a control that is packed where that is done, each of another length."""
    prose = "".join(f"{place * number} " for place in range(900 + 40 * number))
    return {**control(f"c{number:02}", title=f"é{number % 7}", remediation=prose), **members}


@pytest.fixture
def filled(store: AnyStore) -> AnyStore:
    store.run(put_all([large(number) for number in range(ROWS)], CONTROL_PROFILES))
    return store


def query(*order: OrderKey, top: int = 999, filter: str | None = None) -> ListQuery:
    asked = ListQuery(CONTROL_PROFILES, "v1.0", total_order(CONTROL_PROFILES, order), top=top)
    return (
        asked if filter is None else replace(asked, filter=parse_filter(filter, CONTROL_PROFILES, aliases={}))
    )


def read(store: AnyStore, asked: ListQuery, *, max_bytes: int = PLENTY, whole: bool = False) -> Page:
    piece_bytes = None if whole else PIECE_BYTES
    return asyncio.run(store.page(TENANT, asked, max_bytes=max_bytes, piece_bytes=piece_bytes))


def later(store: AnyStore, asked: ListQuery, page: Page) -> list[bytes]:
    return [asyncio.run(store.piece(TENANT, asked, ids)) for ids in page.later]


def ids_in(piece: bytes) -> list[str]:
    assert piece.startswith(b",")
    return ids_of(Page((piece[1:],), None))


@pytest.mark.parametrize(
    ("order", "filter"),
    [
        ((), None),
        ((BY_TITLE,), None),
        ((IN_BODIES, BY_TITLE), None),
        ((), "contains(remediation,'8 1')"),
        ((BY_TITLE,), "title ne 'é3'"),
    ],
    ids=["by id", "by a column", "by what is in bodies", "filtered", "filtered by a column"],
)
def test_a_page_in_pieces_is_the_page_as_a_whole(
    filled: AnyStore, order: tuple[OrderKey, ...], filter: str | None
) -> None:
    sizes = product((999, ROWS, ROWS - 1, 20, ROWS_AT_ONCE, 1), (PLENTY, 250_000, 120_000, 40_000, 1))
    for top, max_bytes in sizes:
        asked = query(*order, top=top, filter=filter)
        whole = read(filled, asked, max_bytes=max_bytes, whole=True)
        page = read(filled, asked, max_bytes=max_bytes)
        pieces = later(filled, asked, page)
        assert b",".join(page.runs) + b"".join(pieces) == b",".join(whole.runs)
        assert (page.last_key, whole.later) == (whole.last_key, ())
        assert all(
            len(ids) == 1 or len(piece) <= PIECE_BYTES + len(ids)
            for ids, piece in zip(page.later, pieces, strict=True)
        )
        assert pieces or len(whole.runs) <= ROWS_AT_ONCE


def test_of_many_short_bodies_which_may_grow_meanwhile_so_many_are_read_at_once(store: AnyStore) -> None:
    store.run(put_all([control(f"c{number:03}") for number in range(150)], CONTROL_PROFILES))
    asked = query(IN_BODIES)
    page = asyncio.run(store.page(TENANT, asked, max_bytes=PLENTY, piece_bytes=PLENTY))
    assert (len(page.runs), [len(ids) for ids in page.later]) == (
        IDS_AT_ONCE,
        [IDS_AT_ONCE, 150 - 2 * IDS_AT_ONCE],
    )
    whole = ids_of(page) + ids_in(b"".join(later(store, asked, page)))
    assert whole == [f"c{number:03}" for number in range(150)]


@pytest.mark.sqlite("a column of PostgreSQL holds values of one type")
def test_what_is_no_body_at_the_beginning_of_what_is_left_is_told_as_damaged(
    filled: AnyStore, database: Database
) -> None:
    first = read(filled, query()).later[0][0]
    database.execute("UPDATE secure_score_control_profiles SET body = 'text' WHERE id = $1", first)
    page = read(filled, query())
    assert page.later[0][0] == first
    with pytest.raises(ServiceUnavailable, match="not bytes"):
        later(filled, query(), page)


def test_what_is_in_one_piece_is_not_parted(store: AnyStore) -> None:
    store.run(put_all([large(number) for number in range(3)], CONTROL_PROFILES))
    for order in ((), (IN_BODIES,)):
        assert read(store, query(*order)).later == ()


def test_a_body_that_is_read_later_is_as_it_is_then(filled: AnyStore) -> None:
    asked = query()
    page = read(filled, asked)
    first, *_, last = [id for ids in page.later for id in ids]
    filled.run(delete(first))
    filled.run(put(large(ROWS - 1, remediation="new")))
    filled.run(put(large(ROWS)))
    pieces = later(filled, asked, page)
    assert ids_in(b"".join(pieces)) == [f"c{place:02}" for place in range(ROWS_AT_ONCE + 1, ROWS)]
    assert last == "c39"
    assert b'"remediation":"new"' in pieces[-1]


def test_what_is_not_asked_for_any_more_is_left_out(filled: AnyStore) -> None:
    asked = query(filter="title ne 'away'")
    page = read(filled, asked)
    last = page.later[-1][-1]
    filled.run(put(large(int(last[1:]), title="away")))
    assert last not in ids_in(b"".join(later(filled, asked, page)))


def test_who_may_see_one_provider_is_not_shown_what_became_anothers(filled: AnyStore) -> None:
    asked = replace(query(), provider="SecureScore")
    page = read(filled, asked)
    last = page.later[-1][-1]
    others: JsonObject = {"provider": "Prowler", "vendor": "Prowler"}
    filled.run(put({**large(int(last[1:])), "vendorInformation": others}))
    assert last not in ids_in(b"".join(later(filled, asked, page)))


def test_ids_of_another_tenant_lead_to_nothing(filled: AnyStore) -> None:
    asked = query()
    ids = read(filled, asked).later[0]
    assert asyncio.run(filled.piece(OTHER_TENANT, asked, ids)) == b""


@pytest.mark.parametrize("body", [b"{}", b'{"a":"' + b"x" * 9000 + b'"}', b"x" * 4096, b""])
def test_the_length_of_a_packed_body_is_known_without_unpacking_it(body: bytes) -> None:
    assert body_bytes(pack(body)) == len(body)


@pytest.mark.parametrize(
    ("kept", "size"), [(b"\x28\xb5\x2f\xfd", 4), (b"\x28\xb5\x2f\xfd\x00", 5), (None, 0), (7, 0)]
)
def test_what_is_damaged_is_as_long_as_it_is_kept(kept: object, size: int) -> None:
    assert body_bytes(kept) == size
