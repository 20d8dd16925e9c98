"""What is made of statements before they are sent."""

import re

import pytest

from stanchion.model.edm import CONTROL_PROFILES
from stanchion.store.postgresql.statements import Write, arrays, by_value, joined, spread, written_table
from stanchion.store.tables import ENTITY_TABLES, TENANT_OWNED, changes, metadata
from stanchion.store.writing import (
    amend_statement,
    delete_statement,
    head_statement,
    insert_statement,
    upsert_statement,
)


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_an_insert_of_a_row_becomes_one_of_arrays(table: str) -> None:
    insert = upsert_statement(metadata.tables[table], "postgresql")
    text = spread(insert.sql)
    assert text is not None
    assert text.count("[]") == len(insert.parameters)
    assert "VALUES" not in text
    assert text.endswith(insert.sql.partition(" ON CONFLICT ")[2])


def test_what_is_no_insert_of_a_row_stays_as_it_is() -> None:
    assert spread(delete_statement(CONTROL_PROFILES, "postgresql").sql) is None


def test_an_insert_keeps_its_columns_and_types() -> None:
    assert spread(insert_statement(changes, "postgresql").sql) == (
        "INSERT INTO changes (tenant_id, sequence, time_ticks, command_id, record, hash) SELECT * FROM "
        "unnest($1::VARCHAR[], $2::BIGINT[], $3::BIGINT[], $4::VARCHAR[], $5::BYTEA[], $6::BYTEA[])"
    )


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        (head_statement("postgresql").sql, "tenants"),
        (amend_statement(CONTROL_PROFILES, "postgresql").sql, ENTITY_TABLES[CONTROL_PROFILES.name].name),
        (delete_statement(CONTROL_PROFILES, "postgresql").sql, ENTITY_TABLES[CONTROL_PROFILES.name].name),
        ("SELECT 1", None),
        ("UPDATE tenants SET name = $1 RETURNING name", None),
    ],
)
def test_a_write_names_its_table_unless_it_gives_rows(sql: str, table: str | None) -> None:
    assert written_table(sql) == table
    assert table is None or table in TENANT_OWNED


def test_several_writes_become_one_statement_whose_parameters_are_counted_through() -> None:
    write = joined(
        [
            Write("UPDATE a SET b = $1 WHERE c = $2", [1, 2]),
            Write("DELETE FROM d WHERE e = $1", [3]),
            Write("INSERT INTO f (g) SELECT * FROM unnest($1::BIGINT[])", [[4, 5]]),
        ]
    )
    assert write.sql == (
        "WITH write_0 AS (UPDATE a SET b = $1 WHERE c = $2), write_1 AS (DELETE FROM d WHERE e = $3) "
        "INSERT INTO f (g) SELECT * FROM unnest($4::BIGINT[])"
    )
    assert write.values == [1, 2, 3, [4, 5]]


def test_one_write_is_sent_as_it_is() -> None:
    write = Write("DELETE FROM d WHERE e = $1", [3])
    assert joined([write]) is write


def test_rows_that_take_too_much_at_once_are_halved_until_they_fit() -> None:
    rows = [("a", number, b"x" * 100) for number in range(10)]
    parts = list(arrays("", rows, max_bytes=400))
    assert all(part.size <= 400 for part in parts)
    assert [number for part in parts for number in part.values[1]] == list(range(10))  # type: ignore[attr-defined]


def test_a_row_that_is_too_large_by_itself_goes_alone() -> None:
    parts = list(arrays("", [("a", b"x" * 100), ("b", b"y" * 100)], max_bytes=10))
    assert [part.values[0] for part in parts] == [["a"], ["b"]]


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_rows_are_given_by_value_each_of_its_columns_type(table: str) -> None:
    insert = upsert_statement(metadata.tables[table], "postgresql")
    width = len(insert.parameters)
    rows = [tuple(range(number * width, (number + 1) * width)) for number in range(300)]

    writes = list(by_value(insert.sql, rows, max_bytes=1_000))

    assert [value for write in writes for value in write.values] == list(range(300 * width))
    assert [len(write.values) // width for write in writes] == [128, 128, 32, 8, 4]
    for write in writes:
        places = [int(place) for place in re.findall(r"\$(\d+)::", write.sql)]
        assert places == list(range(1, len(write.values) + 1))
        assert len(places) <= 32_767
        assert write.sql.endswith(insert.sql.partition(" ON CONFLICT ")[2])
        assert "COLLATE" not in write.sql


def test_what_is_no_insert_of_a_row_is_not_made_one_of_several() -> None:
    with pytest.raises(ValueError, match="No INSERT of one row"):
        list(by_value(delete_statement(CONTROL_PROFILES, "postgresql").sql, [(1, 2)], max_bytes=1))
    (write,) = by_value(insert_statement(changes, "postgresql").sql, [(0,) * 6], max_bytes=1)
    assert "VALUES ($1::TEXT, $2::BIGINT," in write.sql


def test_long_rows_go_in_fewer_at_once() -> None:
    insert = insert_statement(changes, "postgresql").sql
    rows = [("t", number, 0, "c", b"x" * 100, b"") for number in range(8)] + [
        ("t", 8, 0, "c", b"x" * 1000, b"")
    ]

    writes = list(by_value(insert, rows, max_bytes=250))

    assert [len(write.values) // 6 for write in writes] == [2, 2, 2, 2, 1]
    assert [number for write in writes for number in write.values[1::6]] == list(range(9))
