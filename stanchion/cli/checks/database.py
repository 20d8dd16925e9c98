"""Checks of the database: whether it is whole, how it is written and spread, and which schema it has."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from stanchion.cli.checks.finding import Finding, failed, ok, size, warning
from stanchion.errors import OperatorError
from stanchion.model.instant import TICKS_PER_SECOND
from stanchion.store.file_inspection import InspectedFile
from stanchion.store.inspection import Inspection
from stanchion.store.purpose import refusal
from stanchion.store.schema import SHARDS
from stanchion.store.tables import HEAD_REVISION

if TYPE_CHECKING:
    from stanchion.store.postgresql.inspection import InspectedServer

# Long enough for some gigabytes on an ordinary disk.
QUICK_CHECK_SECONDS = 20.0
# A command and a backup need some, and so does whoever looks why there are none.
FEW_CONNECTIONS = 10
# What may lie between asking for a time and comparing it.
CLOCK_TOLERANCE_SECONDS = 2


def check_file(file: InspectedFile, *, full: bool) -> Iterator[Finding]:
    """Tell whether the pages of the file are whole, all of them or as many as 20 seconds suffice for."""
    kept = f"{file.path}, {size(file.path.stat().st_size)}"
    faults = file.faults(thorough=full, seconds=None if full else QUICK_CHECK_SECONDS)
    if faults is None:
        yield warning(
            f"{kept}, is too large to look at in {QUICK_CHECK_SECONDS:g} seconds; --full takes the time."
        )
    elif faults:
        yield failed(f"{file.path} is damaged: {' '.join(faults)[:300]}; restore it from a backup.")
    else:
        yield ok(f"{kept}, is whole.")
    if not file.uses_wal():
        yield warning("The file has no write-ahead log; the next start of the server gives it one.")


def check_postgresql(server: "InspectedServer") -> Iterator[Finding]:
    """Tell whether the server keeps what it says it has written, and whether it has found damage."""
    facts, all_well = server.facts(), True
    standbys = f", with {facts.standbys} standbys" if facts.standbys else ""
    for finding in _doubts(server):
        all_well = False
        yield finding
    if all_well:
        sums = "has found no damage" if facts.has_checksums else "has no checksums of its pages"
        yield ok(
            f"{server.name}, {size(facts.size_bytes)}, on PostgreSQL {facts.version}{standbys}, which {sums}."
        )


def check_server_clock(server: "InspectedServer", *, now_ticks: Callable[[], int]) -> Iterator[Finding]:
    """Tell whether the clock of the database's machine and ours say the same."""
    asked = now_ticks()
    told = server.facts().clock_ticks
    ahead_seconds = (told - (asked + now_ticks()) / 2) / TICKS_PER_SECOND
    if abs(ahead_seconds) > CLOCK_TOLERANCE_SECONDS:
        side = "ahead of" if ahead_seconds > 0 else "behind"
        yield warning(
            f"The clock of the database's machine is {abs(ahead_seconds):,.1f} seconds {side} ours; one of both is "
            "wrong."
        )


def check_servers(server: "InspectedServer") -> Iterator[Finding]:
    """Tell whether processes serve the database; either is well."""
    count = server.facts().serving_connections
    if count == 0:
        yield ok("Nobody serves the database.")
    else:
        yield ok("1 connection is of a server." if count == 1 else f"{count} connections are of servers.")


def check_schema(store: Inspection, *, brought_by: str) -> Iterator[Finding]:
    """Tell whether the schema is that of this version; `brought_by` says what brings an older one up to date."""
    revision = store.revision()
    if revision is None:
        yield failed(f"{store.name} is empty; {brought_by} makes the tables.")
    elif revision == HEAD_REVISION:
        yield ok(f"The schema is {revision}, that of this version.")
        if (purpose := store.purpose()) is not None:
            yield warning(refusal(purpose, name=store.name).message)
    else:
        yield warning(
            f"The schema is {revision} and this version has {HEAD_REVISION}: back the database up; "
            f"{brought_by} then brings it up to date."
        )


def _doubts(server: "InspectedServer") -> Iterator[Finding]:
    facts = server.facts()
    if not facts.waits_for_disk:
        yield failed(
            "The PostgreSQL server does not wait for its disk (fsync is off): when it crashes, what was answered may "
            "be lost; turn fsync on."
        )
    if not facts.repairs_torn_pages:
        yield warning(
            "The PostgreSQL server writes no full pages to its log (full_page_writes is off): when the machine "
            "crashes, the database may be damaged; turn it on unless the file system writes pages whole."
        )
    if facts.connections_left < FEW_CONNECTIONS:
        yield warning(
            f"The PostgreSQL server has {facts.connections_left} connections left of {facts.connections}: raise "
            "max_connections, or lower --database-connections."
        )
    if facts.damaged_pages:
        yield failed(
            f"The PostgreSQL server has found {facts.damaged_pages} damaged pages in the database; look at its log, "
            "and restore from a backup."
        )
    if invalid := server.invalid_indexes():
        yield failed(f"The server does not use {', '.join(invalid)}; REINDEX makes them anew.")
    yield from _left_to_spread(server)


def _left_to_spread(server: "InspectedServer") -> Iterator[Finding]:
    """Tell of a database on Citus whose tables are not spread over its nodes, or not all of them."""
    try:
        plan = server.plan(shards=SHARDS)
    except OperatorError as error:
        yield warning(f"`stanchion migrate --distribute` would be refused: {error.message}")
        return
    if plan is None or not plan.steps:
        return
    owned = [each for each in plan.tables if each.place.distributed]
    count = sum(each.distributed for each in owned)
    if count == 0:
        yield warning(
            "The database has Citus, and none of its tables is spread over the nodes: stop the servers; "
            "`stanchion migrate --distribute` spreads them."
        )
    elif count < len(owned):
        yield warning(
            f"Of {len(owned)} tables of tenants {count} are spread over the nodes: stop the servers; `stanchion "
            "migrate --distribute` goes on there."
        )
    else:
        yield warning(
            "All tables of tenants are spread, and some of their rows were left on the coordinator: stop the "
            "servers; `stanchion migrate --distribute` removes those."
        )
