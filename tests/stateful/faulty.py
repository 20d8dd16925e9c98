"""The machine against a service with a fault in it: `python -m tests.stateful.faulty FAULT`.

The exit status is 0 where the machine found that something is wrong, and 1 where it did not.
"""

import sys

from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.faults import FAULTS
from tests.stateful.machine import Tenants
from tests.stateful.profiles import FINDING


def main() -> int:
    """Put a fault in, and let the machine look for it as long as it does by itself."""
    (name,) = sys.argv[1:]
    FAULTS[name]()
    try:
        run_state_machine_as_test(Tenants, settings=FINDING)
    except (AssertionError, ExceptionGroup) as error:
        print(f"found {name}: {type(error).__name__} {str(error)[:200]}")  # noqa: T201 (what it is there to say)
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
