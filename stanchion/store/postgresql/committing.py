"""Committing on PostgreSQL, whatever becomes of the connection: tried again until it is known what was written.

- What fails before its COMMIT left nothing, and is tried again where that may help, until its time is over.
- Where a connection is lost at COMMIT, nobody knows. On another one the head of the tenant is locked, which waits
  for the lost one to end; then the changes tell: with an id of ours among them, all of the transaction is there.
- While that cannot be found out, by whatever the look-up fails, the outcome is unknown, and is told so when the time
  is over: nothing of the transaction is run again before.

Everything here runs in a greenlet.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeAlias, TypeVar

from sqlalchemy import bindparam, select
from sqlalchemy.util import await_only

from stanchion.errors import ServiceUnavailable
from stanchion.ledger.fold import Command
from stanchion.store.batch import all_or_nothing, commit_together
from stanchion.store.compile import Compiled, compile_statement
from stanchion.store.expressions import AnyOf
from stanchion.store.outcome import Outcome, Refused, StoreBroken, unknown
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.failures import for_caller, is_twin, may_pass
from stanchion.store.postgresql.pool import Pool
from stanchion.store.prepared import commit_prepared
from stanchion.store.reading import read_head
from stanchion.store.tables import changes

T = TypeVar("T")
Attempt: TypeAlias = Callable[[PostgresConnection, Sequence[Command[T]], float], "list[Outcome[T]]"]

# Between two tries, each time twice as long; and something by chance, so that rivals do not meet again.
_FIRST_NAP_SECONDS = 0.02
_LONGEST_NAP_SECONDS = 1.0

_log = logging.getLogger(__name__)


@contextmanager
def lent(pool: Pool, *, seconds: float) -> Iterator[PostgresConnection]:
    """Lend a connection for the block; raises ServiceUnavailable where there is none in time."""
    connection = await_only(pool.take(seconds=seconds))
    try:
        yield connection
    finally:
        pool.give_back(connection)


def at_once(
    connection: PostgresConnection, commands: Sequence[Command[T]], patience_seconds: float
) -> list[Outcome[T]]:
    """Run commands of one tenant in one transaction; raises what the database fails with, and StoreBroken."""
    connection.begin(patience_seconds=patience_seconds)
    return commit_together(connection, commands)


def prepared(
    connection: PostgresConnection, commands: Sequence[Command[T]], patience_seconds: float
) -> list[Outcome[T]]:
    """Run a command that is prepared before the head of its tenant is locked; raises like `at_once`."""
    (command,) = commands
    outcome = commit_prepared(connection, command, patience_seconds=patience_seconds)
    match outcome:
        case Refused(ServiceUnavailable(__cause__=Exception() as cause)) if may_pass(cause):
            raise cause
        case Refused(error) if is_twin(error):
            raise error
        case _:
            return [outcome]


def committed(
    pool: Pool,
    commands: Sequence[Command[T]],
    attempt: "Attempt[T]",
    *,
    until: float,
    patience_seconds: float,
) -> list[Outcome[T]]:
    """Return the outcomes of commands of one tenant, tried until they are known or time.monotonic() is `until`.

    Raises what no other try can mend; nothing was written then.
    """
    doubt: StoreBroken | None = None
    met_twin = False
    nap_seconds = _FIRST_NAP_SECONDS
    while True:
        in_doubt = doubt is not None
        try:
            with lent(pool, seconds=max(until - time.monotonic(), _FIRST_NAP_SECONDS)) as connection:
                if doubt is not None:
                    if _was_committed(connection, commands, patience_seconds=patience_seconds):
                        return _outcomes(doubt.if_committed)
                    in_doubt = False
                return attempt(connection, commands, patience_seconds)
        except StoreBroken as broken:
            doubt, in_doubt = broken, True
            failure = unknown()
        except Exception as error:  # noqa: BLE001 (what cannot be mended `_refusal` raises again)
            if is_twin(error) and not in_doubt and len(commands) == 1 and not met_twin:
                met_twin = True
                continue
            failure = _refusal(error, in_doubt=in_doubt)
        if time.monotonic() + nap_seconds >= until:
            if in_doubt and doubt is not None:
                return _outcomes(doubt.outcomes)
            return [failure for _ in commands]
        await_only(asyncio.sleep(nap_seconds * random.uniform(0.5, 1.5)))  # noqa: S311
        nap_seconds = min(2 * nap_seconds, _LONGEST_NAP_SECONDS)


def committed_each(
    pool: Pool, commands: Sequence[Command[T]], *, until: float, patience_seconds: float
) -> list[Outcome[T]]:
    """Return the outcomes of commands of one tenant: run together, or each by itself where that cannot be."""
    try:
        return committed(pool, commands, at_once, until=until, patience_seconds=patience_seconds)
    except Exception as error:  # noqa: BLE001 (whatever it is, each command must be run alone)
        if len(commands) == 1:
            return [Refused(for_caller(error))]
    return [
        outcome
        for command in commands
        for outcome in committed_each(pool, [command], until=until, patience_seconds=patience_seconds)
    ]


def _refusal(error: Exception, *, in_doubt: bool) -> Refused:
    """Return what callers are told should their time be over now; raises what no other try can mend."""
    passing = may_pass(error) or isinstance(error, ServiceUnavailable)
    if in_doubt:
        # The COMMIT may stand, whatever keeps us from finding it out.
        if not passing:
            _log.warning("it cannot be looked up whether a COMMIT was made", exc_info=error)
        return unknown()
    if not passing:
        raise error
    return Refused(for_caller(error))


@lru_cache
def known_commands_statement() -> Compiled:
    """Those of some commands that have a change."""
    statement = select(changes.c.command_id).where(
        changes.c.tenant_id == bindparam("tenant_id"), AnyOf(changes.c.command_id, "command_ids")
    )
    return compile_statement(statement, "postgresql")


def _was_committed(
    connection: PostgresConnection, commands: Sequence[Command[T]], *, patience_seconds: float
) -> bool:
    tenant_id = commands[0].tenant_id
    connection.begin(patience_seconds=patience_seconds)
    with all_or_nothing(connection):
        read_head(connection, tenant_id=tenant_id, lock=True)
        command_ids = [command.command_id for command in commands]
        parameters = {"tenant_id": tenant_id, "command_ids": command_ids}
        return bool(connection.fetch(known_commands_statement(), parameters))


def _outcomes(outcomes: Sequence[Outcome[object]]) -> "list[Outcome[T]]":
    return list(outcomes)  # type: ignore[arg-type]
