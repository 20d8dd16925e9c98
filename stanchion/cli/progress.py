"""A progress bar on a terminal's stderr; nothing where nobody looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Advance: TypeAlias = Callable[[str, int, int], None]


@contextmanager
def progress() -> Iterator[Advance]:
    """Give a function that is told what is being read, how many of its bytes are done, and how many it has."""
    if not sys.stderr.isatty():
        yield lambda _title, _done, _total: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda title, done, total: bar.update(
            task, description=escape(title), completed=done, total=total
        )
