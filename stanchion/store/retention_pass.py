"""The daily pass of retention in a serving process: one of all processes that serve a store makes it.

- A day is claimed by writing it down with the store's own chain locked; whoever finds it written leaves it.
- A day long after the last one that is known is not believed: a clock that runs ahead would have everything removed.
  An operator who removes what is older by the command says that the day is right.
- It runs in a thread, on a store opened for it, as a command would beside the server; what a stop leaves undone, the
  next day or a command does.
"""

import logging
import threading
import time
from collections.abc import Callable

from stanchion.errors import OperatorError, StanchionError
from stanchion.ledger.changes import Operator
from stanchion.ledger.retention import TICKS_PER_DAY, kept_from_ticks
from stanchion.model.instant import format_instant
from stanchion.store.batch import now_ticks
from stanchion.store.chain_heads import read_chain_heads
from stanchion.store.contract import OperatedStore
from stanchion.store.reading import read_end
from stanchion.store.retention import remove_old
from stanchion.store.rows import STORE_CHAIN, read_meta
from stanchion.store.session import Connection
from stanchion.store.tables import meta
from stanchion.store.writing import upsert_statement

# A server is left in peace while it starts, and notices a new day soon enough.
_FIRST_SECONDS, _EVERY_SECONDS = 60.0, 600.0
_STOP_SECONDS = 10.0
# What a server may stand still for; a clock that is ahead by less removes so many days too many.
_BELIEVED_DAYS = 31
DAY = "retention_day"

_log = logging.getLogger("stanchion.retention")


class RetentionPass:
    """A thread that makes the pass once a day; `open_store` opens the store for it."""

    def __init__(
        self,
        open_store: Callable[[], OperatedStore],
        *,
        days: int,
        first_seconds: float = _FIRST_SECONDS,
        every_seconds: float = _EVERY_SECONDS,
    ) -> None:
        self._open_store = open_store
        self._days = days
        self._first_seconds = first_seconds
        self._every_seconds = every_seconds
        self._told = ""  # the warning that is not repeated for as long as it holds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="stanchion-retention", daemon=True)

    def start(self) -> None:
        """Begin to look once in a while whether a day is to be claimed."""
        self._thread.start()

    def stop(self) -> None:
        """End after the portion under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _work(self) -> None:
        seconds = self._first_seconds
        while not self._stopping.wait(seconds):
            seconds = self._every_seconds
            try:
                self._pass()
                self._told = ""
            except StanchionError as error:
                if error.message != self._told:
                    _log.warning("Retention was not applied: %s", error.message)
                self._told = error.message
            except Exception:  # noqa: BLE001 (the thread is to live, and tell)
                _log.exception("Retention failed; it is tried again.")

    def _pass(self) -> None:
        store, now = self._open_store(), now_ticks()
        try:
            if not store.transact(claiming(day=now // TICKS_PER_DAY)):
                return
            before_ticks = kept_from_ticks(now, days=self._days)
            removed = remove_old(
                store,
                before_ticks=before_ticks,
                actor=Operator("retention"),
                pause=self._stopping.wait,
                stopping=self._stopping.is_set,
            )
            began, scores, details = time.monotonic(), 0, 0
            for each in removed:
                scores, details = scores + each.scores, details + each.details
            _log.info(
                "Retention removed %d scores of before %s, and %d details of changes about such, in %.1f s",
                scores,
                format_instant(before_ticks),
                details,
                time.monotonic() - began,
            )
        finally:
            store.close_now()


def claim(connection: Connection, *, day: int) -> bool:
    """Say whether nobody claimed a day yet, and write that it is claimed now, in the transaction that is open.

    Raises OperatorError for a day that is not to be believed.
    """
    read_end(connection, tenant_id=STORE_CHAIN, lock=True)
    claimed = read_meta(connection, DAY)
    if claimed is not None and int(claimed) > day + 1:
        raise OperatorError(
            f"The clock says {_date(day)}, and {_date(int(claimed))} was here already. Where the clock is right, "
            "`stanchion retention --apply` removes what is older, and the server goes on then."
        )
    if claimed is not None and int(claimed) >= day:
        return False
    known = _newest_day(connection) if claimed is None else int(claimed)
    if known is not None and day - known > _BELIEVED_DAYS:
        raise OperatorError(
            f"The clock says {_date(day)}, {day - known} days after {_date(known)}, the last day known here. "
            "Where it is right, `stanchion retention --apply` removes what is older, and the server goes on then."
        )
    set_day(connection, day=day)
    return True


def claiming(*, day: int) -> Callable[[Connection], bool]:
    """Return what claims a day in a transaction, which may be run again where nobody knows whether it committed."""
    is_mine = False

    def work(connection: Connection) -> bool:
        nonlocal is_mine
        is_mine = claim(connection, day=day) or is_mine
        return is_mine

    return work


def set_day(connection: Connection, *, day: int) -> None:
    """Write that a day is claimed, whatever was written before, in the transaction that is open."""
    values = {"key": DAY, "value": str(day)}
    statement = upsert_statement(meta, connection.dialect)
    connection.write_rows(statement, [tuple(values[name] for name in statement.parameters)])


def _newest_day(connection: Connection) -> int | None:
    """Return the day of the newest change of any tenant, None without one."""
    newest_ticks = read_chain_heads(connection).newest_ticks
    return None if newest_ticks is None else newest_ticks // TICKS_PER_DAY


def _date(day: int) -> str:
    return format_instant(day * TICKS_PER_DAY)[:10]
