"""Signals that came while the event loop stood still, seen once it runs.

- The server runs the loop to start the application, and again to serve. A signal in between waits in uvloop for the
  next one, and of stopping there is one: the process would go on until it is killed.
- A zero on the descriptor that wakes the loop is no signal, and has all handled that wait. The loops of asyncio find
  theirs by themselves.
"""

import asyncio
import os
import signal
from contextlib import suppress

# The first run ends some four turns after the application has started.
_TURNS = 20


async def see_missed_signals() -> None:
    """Have signals handled that came before the loop was run for good; for the end of an application's start."""
    if isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
        return
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    # Outside of the main thread there are no signals, and a descriptor that is full wakes the loop anyway.
    with suppress(ValueError, OSError):
        waking = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        os.write(waking, b"\0")
