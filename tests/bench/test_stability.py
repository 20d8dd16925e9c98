"""The judgement of a soak, on minutes that are made up."""

from collections.abc import Sequence

import pytest

from bench.stability import Minute, Soaked, faults, first_and_last_p99_ms, growth_mib_per_hour, summary

HOUR = 3600.0


def minutes(p99_ms: Sequence[float]) -> list[Minute]:
    """Return minutes with these p99."""
    return [Minute(1000, 1.0, p99, 2 * p99, 100.0) for p99 in p99_ms]


def soaked(
    p99_ms: Sequence[float] = (10.0,) * 60,
    *,
    errors: Sequence[str] = (),
    growth: float = 0.0,
    seconds: float = HOUR,
) -> Soaked:
    """Return a soak in which nothing is wrong but what is given."""
    first, last = first_and_last_p99_ms(minutes(p99_ms))
    return Soaked(seconds, 500.0, 1_800_000, [*errors], 60, growth, first, last, minutes(p99_ms))


def test_a_soak_that_stays_as_it_was_has_no_fault() -> None:
    assert faults(soaked(growth=10.0)) == []


def test_an_error_is_a_fault_however_many_there_are() -> None:
    assert faults(soaked(errors=["an import failed", "another"], seconds=60.0)) == [
        "2 errors, the first an import failed"
    ]


@pytest.mark.parametrize(
    ("growth", "most", "seconds", "is_fault"),
    [
        (10.1, 10.0, HOUR, True),
        (10.1, 10.0, HOUR / 2, True),
        (10.1, 10.0, HOUR / 2 - 1, False),
        (10.1, 11.0, HOUR, False),
        (0.1, 0.0, HOUR, True),
        (-50.0, 10.0, HOUR, False),
    ],
)
def test_growth_over_the_limit_is_a_fault_of_half_an_hour_and_more(
    growth: float, most: float, seconds: float, *, is_fault: bool
) -> None:
    told = faults(soaked(growth=growth, seconds=seconds), most_growth_mib_per_hour=most)

    assert told == ([f"memory grew by {growth:.1f} MiB an hour, more than {most:g}"] if is_fault else [])


@pytest.mark.parametrize(("last_ms", "is_fault"), [(20.0, False), (20.1, True), (1.0, False)])
def test_a_p99_that_doubles_from_the_first_third_to_the_last_is_a_fault(
    last_ms: float, *, is_fault: bool
) -> None:
    told = faults(soaked([10.0] * 20 + [500.0] * 20 + [last_ms] * 20, seconds=120.0))

    assert told == ([f"p99 rose from 10.0 to {last_ms:.1f} ms"] if is_fault else [])


def test_a_few_bad_minutes_are_no_fault() -> None:
    assert faults(soaked([10.0] * 40 + [900.0] * 9 + [10.0] * 11)) == []


@pytest.mark.parametrize(
    ("p99_ms", "found"),
    [
        ([7.0], (7.0, 7.0)),
        ([7.0, 8.0], (7.0, 8.0)),
        ([1.0, 3.0, 50.0, 50.0, 50.0, 5.0, 9.0], (2.0, 7.0)),
    ],
)
def test_a_third_is_a_minute_or_more(p99_ms: list[float], found: tuple[float, float]) -> None:
    assert first_and_last_p99_ms(minutes(p99_ms)) == found


def test_growth_is_that_after_the_first_quarter() -> None:
    # 300 MiB come in the first quarter; from then on one in ten minutes.
    resident = [
        (1000.0 + second, 400.0 + second / 600 if second >= 900 else second / 3)
        for second in range(0, 3600, 5)
    ]

    assert growth_mib_per_hour(resident, began=1000.0, seconds=HOUR) == pytest.approx(6.0)
    assert growth_mib_per_hour(resident[-1:], began=1000.0, seconds=HOUR) == 0.0


def test_the_summary_says_each_figure() -> None:
    said = summary(soaked([10.0] * 20 + [30.0] * 40, errors=["x"], growth=12.34))

    for figure in (
        "1,800,000 requests",
        "500 a second",
        "60 imports",
        "3,600 s",
        "1 errors",
        "+12.3 MiB",
        "10.0 ms",
        "30.0 ms",
    ):
        assert figure in said
