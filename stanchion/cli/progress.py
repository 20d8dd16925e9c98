"""A progress bar on a terminal's stderr; nothing where nobody looks."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

# Fewer pass before a bar could be seen.
_WORTH_SHOWING = 50


@contextmanager
def progress(title: str, *, total: int) -> Iterator[Callable[[Iterable[T]], Iterator[T]]]:
    """Give a function that passes items on and counts them on the bar."""
    if total < _WORTH_SHOWING or not sys.stderr.isatty():
        yield iter
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)

        def advance(items: Iterable[T]) -> Iterator[T]:
            for item in items:
                yield item
                bar.advance(task)

        yield advance
