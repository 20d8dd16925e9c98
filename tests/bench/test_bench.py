"""The measurements measure: every case runs on a small store, and wrong answers end them."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec import convert

from bench.__main__ import main
from bench.bodies import CONTROL_BYTES, SCORE_BYTES, Scores, control_id, controls, packing
from bench.cases import CASES
from bench.connection import Answer
from bench.load import quantile
from bench.queries import FOUND, Draw, Found, by_any, by_columns, by_columns_anew, by_path, ordered
from bench.report import Row, comparison_table
from bench.soak import soak
from bench.tenants import made
from bench.tenants import main as compare_tenants
from bench.traffic import BATCHED, GetList, GetOne, Page, Patch, PatchBatch, Recorded

RIGHT = b'{"id":"control_00000"}'


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_case_is_measured(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    sizes = {
        "rounds": 1,
        "seconds": 0.2,
        "clients": 4,
        "controls": 200,
        "import-mb": 0.3,
        "writes-per-second": 40,
    }
    small = [f"--{name}={size}" for name, size in sizes.items()]
    main([*small, "--folder", str(tmp_path), "--json", str(found)])

    report = json.loads(found.read_text())
    assert [row["case"] for row in report["requests"]] == [case.title for case in CASES.values()]
    for row in report["requests"]:
        assert row["requests"] > 0
        assert min(row["whole_cpu_us"], row["bare_cpu_us"]) > 0
        # Of so short a turn the writes beside may seem to have taken more than all.
        without_writes = row["whole_cpu_us"] * (1 - row["writes_share"])
        assert row["cpu_us"] == pytest.approx(without_writes, abs=0.001 * row["whole_cpu_us"] + 0.1)
        assert row["ratio"] == pytest.approx(row["cpu_us"] / row["bare_cpu_us"], rel=0.01, abs=0.01)
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in report["requests"])
    assert len(report["imports"]) == 1
    for imported in report["imports"]:
        assert imported["bytes"] >= 300_000
        assert imported["beside"]["during"]["requests"] > 0
        assert imported["beside"]["reads_during"]["requests"] > 0
        assert imported["beside"]["peak_mib"] > 10
    for name in ("product", "bare"):
        (start,) = report["starts"][name]
        assert all(start[value] > 0 for value in ("seconds", "cpu_seconds", "idle_bytes"))
    assert report["long_work"] == []  # It has to be asked for.
    assert report["compared_controls"] == 200
    assert report["commit"]
    assert report["machine"]["cores"] > 0
    assert list(tmp_path.iterdir()) == [found]


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, RIGHT), (200, b'{"id":"control_00001"}'), (200, b"")],
    ids=["404", "another", "empty"],
)
def test_a_wrong_answer_to_get_one_is_seen(status: int, body: bytes) -> None:
    traffic = GetOne(controls=1, token="t")
    traffic.request(0)

    assert traffic.is_right(0, Answer(200, b"", RIGHT))
    assert not traffic.is_right(0, Answer(status, b"", body))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'"id":"a" "id":"b"'),
        (200, b'"id":"b" "id":"a"'),
        (200, b'"id":"a"        '),
        (200, b'"id":"a""id":"b"'),
    ],
    ids=["500", "another order", "one less", "too short"],
)
def test_a_wrong_answer_to_a_list_is_seen(status: int, body: bytes) -> None:
    traffic = GetList([Page("/", [b"a", b"b"], at_least_bytes=17)], token="t")
    traffic.request(0)

    assert traffic.is_right(0, Answer(200, b"", b'"id":"a" "id":"b"'))
    assert not traffic.is_right(0, Answer(status, b"", body))


def test_the_bare_server_must_send_what_was_recorded() -> None:
    recorded = Recorded(GetOne(controls=1, token="t"), Answer(200, b"", RIGHT))

    assert recorded.is_right(0, Answer(200, b"", RIGHT))
    assert not recorded.is_right(0, Answer(200, b"", RIGHT + b" "))


def test_clients_decide_about_shares_of_the_controls_that_do_not_overlap() -> None:
    traffic = Patch(controls=10, clients=3, token="t")
    for _ in range(200):
        traffic.request(1)

    assert set(traffic.last) == {control_id(number) for number in (1, 4, 7)}


def test_a_batch_decides_about_controls_of_its_clients_share_once_each() -> None:
    traffic = PatchBatch(controls=100, clients=3, token="t")
    body = json.loads(traffic.request(1).partition(b"\r\n\r\n")[2])

    controls = [request["url"].rpartition("_")[2] for request in body["requests"]]
    assert len(set(controls)) == BATCHED
    assert {int(number) % 3 for number in controls} == {1}
    assert len(traffic.last) == BATCHED


@pytest.mark.parametrize(
    ("status", "body"),
    [(413, b'"status":204'), (200, b'"status":204,"status":409'), (200, b"")],
    ids=["413", "one refused", "empty"],
)
def test_a_batch_with_a_refusal_is_seen(status: int, body: bytes) -> None:
    traffic = PatchBatch(controls=100, clients=1, token="t")

    assert traffic.is_right(0, Answer(200, b"", b'"status":204,"status":204'))
    assert not traffic.is_right(0, Answer(status, b"", body))


@pytest.mark.parametrize("draw", [by_columns, by_columns_anew, by_path, by_any, ordered])
def test_each_query_is_to_find_ten_controls(draw: Draw) -> None:
    queries = [draw() for _ in range(20)]

    assert {len(set(query.ids)) for query in queries} == {FOUND}
    assert draw is ordered or len({query.options for query in queries}) > 1


def test_a_wrong_answer_to_a_query_is_seen() -> None:
    traffic = Found(ordered, token="t")
    traffic.request(0)
    right = b",".join(b'"id":"%b"' % id for id in ordered().ids)

    assert traffic.is_right(0, Answer(200, b"", right))
    assert not traffic.is_right(0, Answer(200, b"", right[:-20]))
    assert not traffic.is_right(0, Answer(400, b"", right))


def test_what_is_compared_is_put_beside_each_other() -> None:
    figures = dict.fromkeys((field for field in Row.__dataclass_fields__ if field != "case"), 1)
    some = convert({**figures, "case": ""}, Row)
    rows = [
        replace(some, case=CASES[name].title, cpu_us=cpu_us)
        for name, cpu_us in (("get-one", 100.0), ("filter", 250.0), ("filter-path", 2500.0))
    ]
    table = comparison_table(rows)

    assert "| filter, to GET one " in table
    assert " 2.50 |" in table
    assert " 5.0 |" in table
    assert comparison_table(rows[:1]) == ""


def test_scores_pack_as_a_real_one_does() -> None:
    found = packing(Scores(), date(2026, 3, 31))

    assert found.bytes == pytest.approx(53_000, rel=0.03)
    assert found.alone == pytest.approx(4.2, rel=0.05)
    assert found.after_day_before > 50


def test_bodies_are_as_large_as_lists_are_checked_for() -> None:
    scores = Scores()
    days = [date(1990, 1, 1) + timedelta(days=each) for each in range(0, 14_000, 500)]

    assert min(len(json.dumps(scores.of(day), separators=(",", ":"))) for day in days) >= SCORE_BYTES
    assert min(len(json.dumps(each, separators=(",", ":"))) for each in controls(500)) >= CONTROL_BYTES


@pytest.mark.parametrize(("share", "value"), [(0.5, 51.0), (0.99, 100.0), (1.0, 100.0), (0.0, 1.0)])
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    assert quantile([float(each) for each in range(1, 101)], share) == value


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_minutes_of_soaking_end_without_an_error(tmp_path: Path) -> None:
    # A machine that pauses for some seconds is no fault of a list.
    settings = {"STANCHION_STATEMENT_TIMEOUT_SECONDS": "60"}
    found = soak(tmp_path, seconds=120.0, share=0.5, settings=settings)

    assert found.errors == []
    assert found.imports == 2
    assert found.per_second > 0
    assert found.requests == pytest.approx(found.per_second * 120, abs=1)
    assert sum(minute.requests for minute in found.minutes) == found.requests


@pytest.mark.slow
def test_many_tenants_are_compared_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = tmp_path / "found.json"
    sizes = {"tenants": 3, "rounds": 3, "clients": 4, "seconds": 0.2}
    small = [f"--{name}={size}" for name, size in sizes.items()]
    compare_tenants([*small, "--keep", str(tmp_path / "stores"), "--json", str(found)])

    compared = json.loads(found.read_text())["compared"]
    assert [each["case"] for each in compared] == ["GET one control (2 KB)", "PATCH a control, durable"]
    assert all(each["ratio_least"] <= each["ratio"] <= each["ratio_most"] for each in compared)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(compared)
    for each, line in zip(compared, said, strict=True):
        for name in ("one", "many"):
            served, whole = each[f"{name}_to_bare"], each[f"{name}_whole_cpu_us"]
            assert served["least"] <= served["median"] <= served["most"]
            assert f"{served['median']:.2f}" in line
            # Of so short a turn the writes beside may seem to have taken more than all.
            assert 0 < whole >= each[f"{name}_cpu_us"]
        assert each["bare_cpu_us"] > 0
        assert f"bare {each['bare_cpu_us']:.0f} us" in line


def test_a_store_that_was_kept_is_not_taken_for_one_of_another_size(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "tokens").write_text("", encoding="ascii")
    (kept / "made").write_text("3\n", encoding="ascii")

    with pytest.raises(SystemExit, match="holds a store of 3 tenants, not of 4"):
        made(kept, 4)
