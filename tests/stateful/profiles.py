"""How long the machine runs: briefly whenever the tests do, and for as long as somebody likes to wait."""

from collections.abc import Mapping

from hypothesis import HealthCheck, Phase, settings

from stanchion.store.compile import DialectName

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)

BRIEF = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=_SLOW,
    print_blob=False,
)
# To find a fault is enough; to make the way to it short takes long.
FINDING = settings(BRIEF, phases=(Phase.generate,), report_multiple_bugs=False)
# Each database is tried; what is said of both was tried longest where it takes least.
ROUNDS: Mapping[DialectName, settings] = {"sqlite": BRIEF, "postgresql": settings(BRIEF, max_examples=12)}
SERVED: Mapping[DialectName, settings] = {
    "sqlite": settings(BRIEF, max_examples=3),
    "postgresql": settings(BRIEF, max_examples=2),
}
