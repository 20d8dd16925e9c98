"""What was found, as rows: a table for people, JSON for machines.

- A ratio is that of one round, product to bare, and the row has the median; the least and the largest say how noisy
  the machine was.
- Latencies and rates are medians over the rounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.beside import Beside, Latency
from bench.bodies import SMALL_CONTROLS
from bench.cases import CASES, Round, Rounds
from bench.imports import Imported
from bench.load import Measured, quantile
from bench.long_work import LongWork
from bench.traffic import BATCHED

_MB = 1_000_000
# What is compared, with what, and how many of the latter are one of the former.
_COMPARED = (
    ("filter, to GET one", "filter", "get-one", 1),
    ("filter of a new shape, to GET one", "filter-anew", "get-one", 1),
    ("orderby, to GET one", "orderby", "get-one", 1),
    ("poll without news, to GET one", "delta", "get-one", 1),
    (f"batch of {BATCHED} PATCHes, to {BATCHED} PATCHes", "batch", "patch", BATCHED),
)
_RATES = (("PATCHes a second, to one at a time", "patch", "patch-alone"),)
_BY_CANDIDATE = ("filter-path", "filter-any")


@dataclass(frozen=True)
class Row:
    """One case of requests; CPU in microseconds a request, latencies in milliseconds.

    What the writes beside took is off all CPU but `whole_cpu_us`.
    """

    case: str
    clients: int
    requests: int
    cpu_us: float
    whole_cpu_us: float
    bare_cpu_us: float
    ratio: float
    ratio_least: float
    ratio_most: float
    per_second: float
    bare_per_second: float
    p50_ms: float
    p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float
    writes_share: float  # of the product's CPU, taken off already


def row(case: str, found: Rounds, *, clients: int) -> Row:
    """Summarise the rounds of a case."""
    pairs = [
        (_cpu_us(each, found.write_cpu_seconds), each.bare.cpu_seconds / each.bare.requests * 1e6)
        for each in found.rounds
    ]
    ratios = [ours / bare for ours, bare in pairs]
    product, bare = [each.product for each in found.rounds], [each.bare for each in found.rounds]
    writes_cpu_seconds = sum(each.writes for each in found.rounds) * found.write_cpu_seconds
    return Row(
        case=case,
        clients=clients,
        requests=sum(each.requests for each in product),
        cpu_us=round(median(ours for ours, _ in pairs), 1),
        whole_cpu_us=round(median(_cpu_us(each, 0.0) for each in found.rounds), 1),
        bare_cpu_us=round(median(bare for _, bare in pairs), 1),
        ratio=round(median(ratios), 2),
        ratio_least=round(min(ratios), 2),
        ratio_most=round(max(ratios), 2),
        per_second=round(median(each.per_second for each in product)),
        bare_per_second=round(median(each.per_second for each in bare)),
        p50_ms=_latency_ms(product, 0.5),
        p99_ms=_latency_ms(product, 0.99),
        bare_p50_ms=_latency_ms(bare, 0.5),
        bare_p99_ms=_latency_ms(bare, 0.99),
        writes_share=round(writes_cpu_seconds / sum(each.cpu_seconds for each in product), 3),
    )


def request_table(rows: Sequence[Row]) -> str:
    """Lay the cases of requests out."""
    columns = ("case", "CPU us", "bare us", "ratio", "(least..most)", "a second", "bare", "p50 ms", "p99 ms")
    return _table(
        columns,
        [
            (
                each.case,
                f"{each.cpu_us:,.0f}",
                f"{each.bare_cpu_us:,.0f}",
                f"{each.ratio:.2f}",
                f"({each.ratio_least:.2f}..{each.ratio_most:.2f})",
                f"{each.per_second:,.0f}",
                f"{each.bare_per_second:,.0f}",
                f"{each.p50_ms:.1f}",
                f"{each.p99_ms:.1f}",
            )
            for each in rows
        ],
    )


def comparison_table(rows: Sequence[Row]) -> str:
    """Lay out one case beside another, in CPU where nothing else is said; empty where too few were run."""
    by_name = {each.case: each for each in rows}
    lines = [
        (text, f"{by_name[CASES[one].title].cpu_us / by_name[CASES[other].title].cpu_us / times:.2f}")
        for text, one, other, times in _COMPARED
        if CASES[one].title in by_name and CASES[other].title in by_name
    ]
    lines += [
        (text, f"{by_name[CASES[one].title].per_second / by_name[CASES[other].title].per_second:.2f}")
        for text, one, other in _RATES
        if CASES[one].title in by_name and CASES[other].title in by_name
    ]
    lines += [
        (f"{title}: us a candidate", f"{by_name[title].cpu_us / SMALL_CONTROLS:.1f}")
        for title in (CASES[name].title for name in _BY_CANDIDATE)
        if title in by_name
    ]
    return _table(("compared", "times"), lines) if lines else ""


def import_table(imports: Sequence[Imported]) -> str:
    """Lay the imports out."""
    return _took_table(
        "import",
        [(f"{each.bytes / _MB:.0f} MB, {each.scores} scores", each.beside) for each in imports],
    )


def beside_import_table(imports: Sequence[Imported]) -> str:
    """Lay out what those felt who asked beside each import, and in the seconds before it."""
    return _felt_table("beside the import", [("", each.beside) for each in imports])


def long_work_table(works: Sequence[LongWork]) -> str:
    """Lay the long work out."""
    return _took_table(
        "long work", [(f"{each.work}, {each.tenant_bytes / _MB:.0f} MB", each.beside) for each in works]
    )


def beside_long_work_table(works: Sequence[LongWork]) -> str:
    """Lay out what those felt who asked another tenant beside each work, and in as many seconds before it."""
    return _felt_table("beside long work", [(f"{each.work}: ", each.beside) for each in works])


def _took_table(title: str, works: Sequence[tuple[str, Beside]]) -> str:
    return _table(
        (title, "seconds", "CPU s", "peak MiB"),
        [
            (name, f"{took.seconds:.1f}", f"{took.cpu_seconds:.1f}", f"{took.peak_mib:.0f}")
            for name, took in works
        ],
    )


def _felt_table(title: str, works: Sequence[tuple[str, Beside]]) -> str:
    columns = (title, "p50 ms", "p99 ms", "slowest ms", "(before: p99, slowest)")
    lines = [
        (f"{name}{request}", *(f"{ms:.1f}" for ms in (now.p50_ms, now.p99_ms, now.slowest_ms)), before)
        for name, felt in works
        for request, now, before in (
            ("PATCH a control", felt.during, _calm(felt.before)),
            ("GET one control", felt.reads_during, _calm(felt.reads_before)),
        )
    ]
    return _table(columns, lines)


def _calm(before: Latency) -> str:
    return f"({before.p99_ms:.1f}, {before.slowest_ms:.1f})"


def _cpu_us(each: Round, write_cpu_seconds: float) -> float:
    return (each.product.cpu_seconds - each.writes * write_cpu_seconds) / each.product.requests * 1e6


def _latency_ms(measured: Sequence[Measured], share: float) -> float:
    return round(median(quantile(each.latencies, share) for each in measured) * 1000, 2)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay lines out in Markdown, aligned for a terminal: the first column to the left, figures to the right."""
    lines = [columns, *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    rule = ["-" * width if index == 0 else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    return "\n".join(_line(line, widths) for line in (columns, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *figures = zip(cells, widths, strict=True)
    aligned = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in figures)]
    return f"| {' | '.join(aligned)} |"
