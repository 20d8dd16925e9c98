"""A list of 90 scores of 80 KB, compressed while it is read, beside compressing the same bytes and nothing else.

`python -m bench.streaming` loads a server and compresses in turn, round by round. Both use the same library at
the same level, so the ratio is what reading, rendering and sending cost besides. One answer is unpacked and looked
at, and all others are compared with it.
"""

import argparse
import gzip
import re
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Literal

from zstandard import ZstdDecompressor

from bench.bodies import TENANT, Body, Scores, write_page
from bench.cases import NEWEST_DAY
from bench.connection import Answer
from bench.load import Server, ask, measure, quantile
from bench.servers import new_tenant, serving
from bench.traffic import SCORES_PATH
from stanchion.web.coders import Coding, encoded

SCORES = 90
_CLIENTS = 4
_PATH = f"{SCORES_PATH}?$top={SCORES}"
_ID = re.compile(rb'"id":"([^"]*)"')
_OK = 200


class Packed:
    """GET of the list in a coding; the answer must have the scores, the newest first."""

    def __init__(self, token: str, coding: Coding | Literal["identity"]) -> None:
        self.coding = coding
        self._request = (
            f"GET {_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Accept-Encoding: {coding}\r\n\r\n"
        ).encode()
        self._ids = [f"{TENANT}_{NEWEST_DAY - timedelta(days=age)}".encode() for age in range(SCORES)]
        self._known: bytes | bytearray = b""

    def request(self, client: int) -> bytes:
        """Ask for the list."""
        del client
        return self._request

    def is_right(self, client: int, answer: Answer) -> bool:
        """Compare the body with the first one, which was unpacked and looked at."""
        del client
        if not self._known:
            assert _ID.findall(self.unpacked(answer)) == self._ids, answer.head
            self._known = answer.body
        return answer.status == _OK and answer.body == self._known

    def unpacked(self, answer: Answer) -> bytes:
        """Return the body of an answer as it is without the coding."""
        body = bytes(answer.body)
        match self.coding:
            case "gzip":
                return gzip.decompress(body)
            case "zstd":
                return ZstdDecompressor().decompressobj().decompress(body)
            case _:
                return body


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.streaming", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a turn of the server (2)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as (server, token):
        print("| list of 90 scores | CPU ms | alone ms | ratio | KB sent | first byte ms | last byte ms |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for coding in ("gzip", "zstd"):
            print(_row(server, Packed(token, coding), rounds=asked.rounds, seconds=asked.seconds))


def _row(server: Server, traffic: Packed, *, rounds: int, seconds: float) -> str:
    answer = ask(server, traffic.request(0))
    assert traffic.is_right(0, answer), answer.head
    body, coding = traffic.unpacked(answer), traffic.coding
    assert coding != "identity"
    pairs: list[tuple[float, float]] = []
    for _ in range(rounds):
        found = measure(server, traffic, clients=_CLIENTS, seconds=seconds)
        pairs.append((found.cpu_seconds / found.requests, _alone(coding, body, seconds=seconds / 2)))
    times = [_first_and_last_byte(server, traffic.request(0)) for _ in range(21)]
    first, last = (quantile(sorted(each), 0.5) * 1000 for each in zip(*times, strict=True))
    cpu, alone = (median(each) * 1000 for each in zip(*pairs, strict=True))
    ratio = median(ours / other for ours, other in pairs)
    return (
        f"| {coding}, of {len(body) / 1e6:.1f} MB | {cpu:.1f} | {alone:.1f} | {ratio:.2f} "
        f"| {len(answer.body) / 1000:,.0f} | {first:.1f} | {last:.1f} |"
    )


def _alone(coding: Coding, body: bytes, *, seconds: float) -> float:
    """Return the CPU seconds of compressing a body, the median of as many as fit into some seconds."""
    took: list[float] = []
    while sum(took) < seconds:
        began = time.process_time()
        encoded(coding, body)
        took.append(time.process_time() - began)
    return median(took)


def _first_and_last_byte(server: Server, request: bytes) -> tuple[float, float]:
    """Return after how many seconds the first byte of the answer came, and the last."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        began = time.monotonic()
        connection.sendall(request)
        received = connection.recv(1)
        first = time.monotonic() - began
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received = received[-8:] + connection.recv(1 << 20)
        return first, time.monotonic() - began


@contextmanager
def _served(folder: Path) -> Iterator[tuple[Server, str]]:
    page = folder / "scores.json"
    write_page(page, _days())
    token = new_tenant(folder, TENANT, [page])
    with serving(folder) as server:
        yield server, token


def _days() -> Iterator[Body]:
    scores = Scores()
    for age in range(SCORES + 5):
        score = scores.of(NEWEST_DAY - timedelta(days=age))
        figures = score["controlScores"]
        assert isinstance(figures, list)
        # Half as many controls again make 80 KB of 53.
        more = [{**each, "controlName": f"{each['controlName']}_2"} for each in figures[: len(figures) // 2]]
        yield {**score, "controlScores": [*figures, *more]}


if __name__ == "__main__":
    main()
