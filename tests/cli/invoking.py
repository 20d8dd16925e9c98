"""The command line called in this process, with what it prints and its exit status."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from click.testing import CliRunner, Result

from stanchion.cli import main


def invoke(
    *arguments: object, environment: Mapping[str, str] | None = None, typed: str | None = None
) -> Result:
    """Run `stanchion` with arguments, and what is typed; settings of this process's environment do not count."""
    with _same_logs():
        result = CliRunner(env=dict(environment or {})).invoke(
            main, [str(argument) for argument in arguments], prog_name="stanchion", input=typed
        )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert "Traceback" not in result.output
    return result


@contextmanager
def _same_logs() -> Iterator[None]:
    """Leave logging as it was: a command that serves configures it for its process.

    The statements that the tests watch are kept from what the command prints.
    """
    root, statements = logging.getLogger(), logging.getLogger("stanchion.sql")
    handlers, level, propagates = root.handlers[:], root.level, statements.propagate
    statements.propagate = False
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        statements.propagate = propagates


def refusal(result: Result) -> str:
    """Return the one line with which a command refused, without "Error: "; fails where it did not."""
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("Error: ")
    return result.stderr.removeprefix("Error: ").strip()


def printed(result: Result) -> Any:  # noqa: ANN401 (JSON is of any form)
    """Return what a command that succeeded printed as JSON."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
