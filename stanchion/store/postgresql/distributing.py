"""`stanchion migrate --distribute` on PostgreSQL: one at a time, beside no server, told step by step.

- The connections of a running server know a database that was not spread, so that none may be there. That is asked
  before each step, for one may have been started since.
- A step that fails leaves those before it; run again, it goes on there.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from stanchion.errors import OperatorError
from stanchion.store.postgresql.distribute import Driver, Plan, Step, carry_out, plan
from stanchion.store.postgresql.failures import FAILURES, code_of, for_operator
from stanchion.store.postgresql.migrate import LOCK, LOCK_NOT_AVAILABLE
from stanchion.store.postgresql.opening import SERVING, Access

_SERVERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
)


async def look(url: str, *, shards: int) -> Plan:
    """Return what `distribute_postgresql` would do; raises OperatorError like it."""
    access = Access(url)
    async with _connected(access) as driver:
        return await plan(driver, name=access.name, shards=shards)


async def distribute_postgresql(
    url: str,
    *,
    tell: Callable[[Step], None],
    shards: int,
    patience_seconds: float,
) -> Plan:
    """Spread the tables of a database of the present schema; return the plan that was carried out.

    `tell` is given each step before it is run. Raises OperatorError where there is no cluster, where a server runs,
    and where a step fails.
    """
    access = Access(url)
    async with _connected(access) as driver:
        await _take_turn(driver, name=access.name, patience_seconds=patience_seconds)
        found = await plan(driver, name=access.name, shards=shards)
        if not found.steps:
            return found
        for done, step in enumerate(found.steps):
            kept = _kept(done=done, of=len(found.steps))
            try:
                if await driver.fetchval(_SERVERS, SERVING):
                    told = f"The {access.name} is served: stop its servers, then spread it."
                    raise OperatorError(told + kept if done else told)
                await carry_out(driver, (step,), tell=tell)
            except FAILURES as error:
                raise _stopped(error, step, kept=kept, name=access.name) from error
        return found


@asynccontextmanager
async def _connected(access: Access) -> AsyncIterator[Driver]:
    try:
        connection = await access.connector()()
        try:
            yield connection.driver
        finally:
            await connection.driver.close()
    except FAILURES as error:
        raise for_operator(error, database=access.name) from error


async def _take_turn(driver: Driver, *, name: str, patience_seconds: float) -> None:
    """Wait for others that migrate or spread the database; the lock goes with the connection."""
    await driver.execute(f"SET lock_timeout = {max(1, round(patience_seconds * 1000))}")
    try:
        await driver.execute(f"SELECT pg_advisory_lock({LOCK})")
    except FAILURES as error:
        if code_of(error) != LOCK_NOT_AVAILABLE:
            raise
        raise OperatorError(
            f"The {name} is being migrated by others for more than {patience_seconds:g} seconds; wait longer by "
            "--timeout."
        ) from error


def _stopped(error: Exception, step: Step, *, kept: str, name: str) -> OperatorError:
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return OperatorError(f"The {name} stopped while {step.doing}: {reason}.{kept}")


def _kept(*, done: int, of: int) -> str:
    return f" Of {of} steps {done} are done, and stay; run the command again, and it goes on there."
