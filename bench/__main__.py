"""Measure the server beside a bare one: CPU of the server a request, rate, and latency, as a table.

The two are measured in turn in each round and compared round by round, because machines drift. CPU is the
figure to compare; rates depend on the client too.
"""

import argparse
import json
import platform
import random
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from statistics import median

from bench.load import Measured, measure
from bench.servers import TENANT, Product, Running, bare, product

CONTROLS = 1000
MICROSOFT = {"vendor": "Microsoft", "provider": "SecureScore", "providerVersion": None, "subProvider": None}


@dataclass(frozen=True)
class Case:
    """One kind of request: how the n-th looks, what answers it, and how many are sent in a round."""

    name: str
    make: Callable[[int], bytes]
    status: int
    path: str
    count: int


def main() -> None:
    """Run each case and print the medians over the rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    rows = []
    with product(_controls(), _scores()) as served:
        for case in _cases(served):
            with bare(_recorded(served, case.path)) as yardstick:
                rows.append(
                    _row(case, served.running, yardstick, rounds=options.rounds, clients=options.clients)
                )
    if options.json:
        print(json.dumps({"machine": _machine(), "commit": _commit(), "rows": rows}, indent=1))
    else:
        _print_table(rows)


def _cases(served: Product) -> list[Case]:
    profiles = "/v1.0/security/secureScoreControlProfiles"
    scores = "/v1.0/security/secureScores"
    head = f"HTTP/1.1\r\nHost: 127.0.0.1:{served.running.port}\r\nAuthorization: Bearer {served.token}\r\n"
    serial = count()

    def get(path: str) -> Callable[[int], bytes]:
        request = f"GET {path} {head}\r\n".encode()
        return lambda _: request

    def get_one(_: int) -> bytes:
        return f"GET {profiles}/control_{random.randrange(CONTROLS)} {head}\r\n".encode()

    def patch(_: int) -> bytes:
        decision = {"comment": f"comment {next(serial)}", "state": "Reviewed", "vendorInformation": MICROSOFT}
        body = json.dumps(decision)
        path = f"{profiles}/control_{random.randrange(CONTROLS)}"
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"PATCH {path} {head}{length}\r\n{body}".encode()

    return [
        Case("GET one control (2 KB)", get_one, 200, f"{profiles}/control_0", 5000),
        Case("PATCH a control, durable", patch, 204, f"{profiles}/control_0", 3000),
        Case("list 100 controls (200 KB)", get(f"{profiles}?$top=100"), 200, f"{profiles}?$top=100", 500),
        Case("list 90 scores (7 MB)", get(f"{scores}?$top=90"), 200, f"{scores}?$top=90", 40),
    ]


def _row(
    case: Case, served: Running, yardstick: Running, *, rounds: int, clients: int
) -> dict[str, str | float]:
    pairs = [(_measured(case, served, clients), _measured(case, yardstick, clients)) for _ in range(rounds)]
    ours = [pair[0] for pair in pairs]
    return {
        "case": case.name,
        "cpu_us": round(median(m.cpu_us for m in ours)),
        "bare_cpu_us": round(median(m.cpu_us for _, m in pairs)),
        "ratio": round(median(m.cpu_us / b.cpu_us for m, b in pairs), 2),
        "per_second": round(median(m.rate for m in ours)),
        "p50_ms": round(median(m.p50_ms for m in ours), 1),
        "p99_ms": round(median(m.p99_ms for m in ours), 1),
    }


def _measured(case: Case, server: Running, clients: int) -> Measured:
    return measure(
        server.port,
        server.pid,
        case.make,
        clients=min(clients, case.count),
        count=case.count,
        status=case.status,
    )


def _recorded(served: Product, path: str) -> dict[str, object]:
    """Return what the product answers, for the bare server to send."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.running.port}{path}", headers={"Authorization": f"Bearer {served.token}"}
    )
    with urllib.request.urlopen(request) as reply:  # noqa: S310 (loopback)
        added_by_server = {"server", "date", "connection"}
        headers = [(k.lower(), v) for k, v in reply.getheaders() if k.lower() not in added_by_server]
        return {"headers": headers, "body": reply.read().decode()}


def _controls() -> list[dict[str, object]]:
    text = random.Random(1)
    return [
        {
            "id": f"control_{number}",
            "azureTenantId": TENANT,
            "title": f"Control {number}",
            "implementationCost": "Low",
            "maxScore": 5.0,
            "controlCategory": text.choice(["Identity", "Apps", "Data", "Device"]),
            "remediation": _prose(text, 1200),
            "remediationImpact": _prose(text, 300),
            "vendorInformation": MICROSOFT,
        }
        for number in range(CONTROLS)
    ]


def _scores() -> list[dict[str, object]]:
    text = random.Random(2)
    return [
        {
            "id": f"{TENANT}_2026-{1 + day // 28:02d}-{1 + day % 28:02d}",
            "azureTenantId": TENANT,
            "createdDateTime": f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T00:00:00Z",
            "currentScore": 100.0,
            "maxScore": 400.0,
            "vendorInformation": MICROSOFT,
            "controlScores": [
                {"controlName": f"control_{n}", "score": text.randrange(10), "description": _prose(text, 250)}
                for n in range(240)
            ],
        }
        for day in range(90)
    ]


def _prose(text: random.Random, length: int) -> str:
    """Return made-up words; their entropy is nearer to that of real descriptions than one repeated sentence."""
    words = ["".join(text.choices("etaoinshrdlucmfw", k=text.randrange(2, 10))) for _ in range(length // 7)]
    return " ".join(words)


def _print_table(rows: list[dict[str, str | float]]) -> None:
    columns = list(rows[0])
    lines = [columns, *([str(row[name]) for name in columns] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _machine() -> str:
    return (
        f"{platform.machine()}, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty")
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
