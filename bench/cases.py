"""The cases of requests: each is measured on the product and on the bare server in turn, round by round.

- Beside reads a writer writes at a steady rate, so that nothing stays warm that a write makes stale. Its CPU is
  taken off by the price of a PATCH among many, which was measured just before. A lone PATCH costs some times more,
  because it shares no transaction with others: that rest is left with the reads, whom it can only make look dearer.
- After each round of PATCHes some controls are read back: each must show the comment that was written last.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from bench.bodies import CONTROL_BYTES, SCORE_BYTES, TENANT, control_id
from bench.load import Measured, Server, ask, measure
from bench.probe import Orders, measure_beside
from bench.queries import Draw, Found, by_any, by_columns, by_columns_anew, by_path, ordered
from bench.servers import Product, bare
from bench.traffic import (
    BATCHED,
    CONTROLS_PATH,
    SCORES_PATH,
    GetList,
    GetOne,
    Page,
    Patch,
    PatchBatch,
    Recorded,
    Traffic,
    get,
)

CONTROLS_A_PAGE = 100
SCORES = 90
NEWEST_DAY = date(2026, 3, 31)
_WARM_SECONDS = 0.5
_PRICE_SECONDS = 1.0
_READ_BACK = 50


@dataclass(frozen=True)
class Plan:
    """How long and how hard."""

    rounds: int
    clients: int
    seconds: float
    controls: int
    writes_per_second: float


@dataclass(frozen=True)
class Round:
    """One turn of each; the product's CPU has that of the writes beside in it."""

    product: Measured
    bare: Measured
    writes: int


@dataclass(frozen=True)
class Rounds:
    """All turns of a case, and what a PATCH among many costs."""

    rounds: list[Round]
    write_cpu_seconds: float


@dataclass(frozen=True)
class Case:
    """One kind of request."""

    title: str
    traffic: Callable[[Product, Plan], Traffic]
    most_clients: int = 1000  # fewer where answers are so large that more clients would only queue


def run_case(case: Case, product: Product, plan: Plan) -> Rounds:
    """Measure a case in so many rounds; who goes first changes from round to round."""
    traffic = case.traffic(product, plan)
    answer = ask(product.server, traffic.request(0))
    assert traffic.is_right(0, answer), f"a wrong answer: {answer.head!r} {answer.body[:500]!r}"
    clients = min(plan.clients, case.most_clients)
    price = _write_cpu_seconds(product, plan)
    with bare(product.folder, answer) as yardstick:
        recorded = Recorded(traffic, answer)
        for server, warming in ((product.server, traffic), (yardstick, recorded)):
            measure(server, warming, clients=clients, seconds=_WARM_SECONDS)
        turn = _Turn(
            traffic=traffic,
            recorded=recorded,
            product=product,
            yardstick=yardstick,
            clients=clients,
            plan=plan,
        )
        rounds = [turn.product_first() if each % 2 == 0 else turn.bare_first() for each in range(plan.rounds)]
    return Rounds(rounds, price)


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """What one round needs."""

    traffic: Traffic
    recorded: Traffic
    product: Product
    yardstick: Server
    clients: int
    plan: Plan

    def product_first(self) -> Round:
        measured, writes = self._product()
        return Round(measured, self._bare(), writes)

    def bare_first(self) -> Round:
        bare_measured = self._bare()
        measured, writes = self._product()
        return Round(measured, bare_measured, writes)

    def _bare(self) -> Measured:
        return measure(self.yardstick, self.recorded, clients=self.clients, seconds=self.plan.seconds)

    def _product(self) -> tuple[Measured, int]:
        if isinstance(self.traffic, (Patch, PatchBatch)):
            self.traffic.last.clear()
            measured = self._load()
            read_back(self.traffic, self.product.server, self.product.token)
            return measured, 0
        return self._beside_writer()

    def _load(self) -> Measured:
        return measure(self.product.server, self.traffic, clients=self.clients, seconds=self.plan.seconds)

    def _beside_writer(self) -> tuple[Measured, int]:
        if self.plan.writes_per_second == 0:
            return self._load(), 0
        return measure_beside(orders(self.product, self.plan), self._load)


def _write_cpu_seconds(product: Product, plan: Plan) -> float:
    measured = measure(product.server, _patch(product, plan), clients=plan.clients, seconds=_PRICE_SECONDS)
    return measured.cpu_seconds / measured.requests


def orders(product: Product, plan: Plan) -> Orders:
    """Return what the writer beside is to do."""
    return Orders(product.server.port, product.token, plan.controls, plan.writes_per_second)


def read_back(written: Patch | PatchBatch, server: Server, token: str) -> None:
    """Read some controls again: each must show the comment that was written last."""
    controls = list(written.last.items())
    for control, comment in random.sample(controls, min(_READ_BACK, len(controls))):
        answer = ask(server, get(f"{CONTROLS_PATH}/{control}", token))
        shown = json.loads(answer.body)["controlStateUpdates"][0]["comment"]
        assert shown == comment, f"{control} shows {shown!r} and not {comment!r}, which was acknowledged last"


def _get_one(product: Product, plan: Plan) -> Traffic:
    return GetOne(controls=plan.controls, token=product.token)


def _patch(product: Product, plan: Plan) -> Traffic:
    return Patch(controls=plan.controls, clients=min(plan.clients, plan.controls), token=product.token)


def _first_page(product: Product, _: Plan) -> Traffic:
    return GetList([_controls_page(f"{CONTROLS_PATH}?$top={CONTROLS_A_PAGE}", 0)], token=product.token)


def _any_page(product: Product, plan: Plan) -> Traffic:
    path = f"{CONTROLS_PATH}?$top={CONTROLS_A_PAGE}"
    pages = []
    for first in range(0, plan.controls, CONTROLS_A_PAGE):
        pages.append(_controls_page(path, first))
        answer = ask(product.server, get(path, product.token))
        link = json.loads(answer.body).get("@odata.nextLink", "")
        path = link[link.find(CONTROLS_PATH) :]
    assert not path, "there are more pages than expected"
    return GetList(pages, token=product.token)


def _controls_page(path: str, first: int) -> Page:
    ids = [control_id(number).encode() for number in range(first, first + CONTROLS_A_PAGE)]
    return Page(path, ids, at_least_bytes=CONTROLS_A_PAGE * CONTROL_BYTES)


def _scores(product: Product, _: Plan) -> Traffic:
    ids = [f"{TENANT}_{NEWEST_DAY - timedelta(days=age)}".encode() for age in range(SCORES)]
    page = Page(f"{SCORES_PATH}?$top={SCORES}", ids, at_least_bytes=SCORES * SCORE_BYTES)
    return GetList([page], token=product.token)


def _batch(product: Product, plan: Plan) -> Traffic:
    return PatchBatch(controls=plan.controls, clients=min(plan.clients, plan.controls), token=product.token)


def _query(draw: Draw) -> Callable[[Product, Plan], Traffic]:
    return lambda product, _: Found(draw, token=product.small_token)


def _no_news(product: Product, _: Plan) -> Traffic:
    answer = ask(product.server, get(f"{CONTROLS_PATH}/delta?$deltatoken=latest", product.small_token))
    link = json.loads(answer.body)["@odata.deltaLink"]
    return GetList([Page(link[link.find(CONTROLS_PATH) :], [], at_least_bytes=1)], token=product.small_token)


CASES: Mapping[str, Case] = MappingProxyType(
    {
        "get-one": Case("GET one control (2 KB)", _get_one),
        "patch": Case("PATCH a control, durable", _patch),
        "patch-alone": Case("the same, one client: a commit each", _patch, most_clients=1),
        "list-controls": Case("list 100 controls (200 KB)", _first_page),
        "list-pages": Case("the same, any of the pages", _any_page),
        "list-scores": Case("list 90 scores (4.8 MB)", _scores, most_clients=16),
        "filter": Case("filter two columns, 10 of 500", _query(by_columns)),
        "filter-anew": Case("the same, a shape of its own each", _query(by_columns_anew)),
        "filter-path": Case("filter a JSON path, 10 of 500", _query(by_path), most_clients=16),
        "filter-any": Case("filter by any(), 10 of 500", _query(by_any), most_clients=16),
        "orderby": Case("order 500 by two keys, 10 rows", _query(ordered)),
        "batch": Case(f"batch of {BATCHED} PATCHes, durable", _batch, most_clients=16),
        "delta": Case("poll for changes, no news", _no_news),
    }
)
