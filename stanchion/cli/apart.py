"""Work in a process of its own, so that what it imports and allocates is gone when it is done.

- What it refuses is refused here in the same words; where it breaks off, its own words are on stderr already.
- It is done before there are threads, for a forked process has only the one that forked it.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

from stanchion.errors import OperatorError, StanchionError

_DONE, _BROKEN, _REFUSED = 0, 1, 2


def do_apart(work: Callable[[], None]) -> None:
    """Do some work in another process and wait for its end; raises OperatorError where it refuses or breaks off."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = _BROKEN
        try:
            os.close(reading)
            status = _status(work, writing)
        finally:
            # Whatever happens, it must not go on as the process that it was forked from.
            os._exit(status)
    os.close(writing)
    try:
        with open(reading, "rb") as told:  # noqa: PTH123 (a pipe has no path)
            refusal = told.read().decode()
    except BaseException:
        os.kill(child, signal.SIGTERM)
        raise
    finally:
        _, waited = os.waitpid(child, 0)
    status = os.waitstatus_to_exitcode(waited)
    if status == _REFUSED:
        raise OperatorError(refusal)
    if status != _DONE:
        raise OperatorError(f"The database could not be prepared: the process that did so ended by {status}.")


def _status(work: Callable[[], None], refusals: int) -> int:
    """Do the work; return the exit status, after the refusal was written where there is one."""
    try:
        work()
    except StanchionError as error:
        os.write(refusals, error.message.encode("utf-8", "replace"))
        return _REFUSED
    except BaseException:  # noqa: BLE001 (it is told here, or nowhere)
        traceback.print_exc()
        return _BROKEN
    finally:
        for stream in (sys.stdout, sys.stderr):
            # A service may be started without either, or with one that nobody reads.
            with suppress(AttributeError, OSError, ValueError):
                stream.flush()
    return _DONE
