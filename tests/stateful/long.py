"""The machine for as long as somebody likes to wait: `python -m tests.stateful.long --minutes 10 [--served]`.

Other than in the tests, each run is another one. What is found ends the program, as it was found.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import DIALECTS, Database, Databases
from tests.stateful.machine import Tenants, on
from tests.stateful.profiles import BRIEF
from tests.stateful.served import Served
from tests.stateful.stand import Answer, Stand
from tests.stateful.stores import Stores

_ROUND = 25


class Counts:
    """What was done."""

    examples = 0
    steps = 0
    requests = 0


class Counting(Tenants):
    """The machine, counting."""

    def __init__(self) -> None:
        super().__init__()
        Counts.examples += 1

    def check_invariants(self, *arguments: Any) -> None:
        """Count a step."""
        Counts.steps += 1
        super().check_invariants(*arguments)

    def ask(self, *arguments: Any, **more: Any) -> Answer:
        """Count a request."""
        Counts.requests += 1
        return super().ask(*arguments, **more)


class ServedCounting(Counting):
    """The same against `stanchion serve`."""

    stand_at: ClassVar[Callable[[Database], Stand]] = Served


def main() -> None:
    """Run until the time is over, and say what was done."""
    parser = argparse.ArgumentParser(prog="python -m tests.stateful.long", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--served", action="store_true", help="against a server as a process of its own")
    parser.add_argument("--database", choices=DIALECTS, default="sqlite")
    options = parser.parse_args()
    databases = Databases()
    machine = on(Stores(databases, options.database), ServedCounting if options.served else Counting)
    # The machine's own numbers are fixed, so that the tests do the same every time.
    each = settings(
        BRIEF, derandomize=False, phases=(Phase.generate,), max_examples=2 if options.served else _ROUND
    )
    ends = time.monotonic() + options.minutes * 60
    try:
        while time.monotonic() < ends:
            run_state_machine_as_test(machine, settings=each)
    finally:
        databases.close()
    print(f"{Counts.examples} examples, {Counts.steps} steps, {Counts.requests} requests: nothing found")  # noqa: T201 (what it is there to say)


if __name__ == "__main__":
    main()
