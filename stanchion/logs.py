"""Logs on stderr: one line an event, as JSON for machines or as text for people.

- Each line of a request carries its request id and tenant. Text that came from outside is escaped, so that no
  caller can write a line of its own; tokens, secrets and bodies are never logged.
- A line may wait a moment to be written together with others. What waits is written before any line that does
  not, so that lines stand in the order of their events; a process that is killed loses what waits.
"""

import asyncio
import logging
import logging.config
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache
from typing import Literal, TextIO, TypeAlias

import msgspec

LogFormat: TypeAlias = Literal["auto", "human", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

# A write costs several times as much as a line, and to those who read along this is at once.
WAIT_SECONDS = 0.02

_TALKATIVE = ("_granian", "alembic")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_json = msgspec.json.Encoder(enc_hook=str)
_formatter = logging.Formatter()
_root = logging.getLogger()


class Trace(msgspec.Struct):
    """Which request a line belongs to, and to which tenant's, once that is known."""

    request_id: str
    tenant_id: str = ""


trace: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""That of the request which is being answered, None outside of any."""


class Event(msgspec.Struct, frozen=True):
    """What a line tells. `unix_seconds` is when; `added` are fields beside the message, none of them empty."""

    unix_seconds: float
    level: str
    logger: str
    message: str
    added: Mapping[str, object]
    exception: str | None = None


class JsonFormatter(logging.Formatter):
    """Writes an event as one JSON object: time, level, logger, message, and what the caller added."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return self.line(_event(record))

    def line(self, event: Event) -> str:
        """Return the line, without its end."""
        seconds, fraction = divmod(event.unix_seconds, 1)
        fields: dict[str, object] = {
            "time": f"{_utc(seconds)}.{int(fraction * 1000):03}+00:00",
            "level": event.level,
            "logger": event.logger,
            "message": event.message,
            **event.added,
        }
        if event.exception is not None:
            fields["exception"] = event.exception
        return _json.encode(fields).decode()


class HumanFormatter(logging.Formatter):
    """Writes an event as a line for a terminal; a stack trace, ours alone, follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return self.line(_event(record))

    def line(self, event: Event) -> str:
        """Return the line, without its end."""
        added = " ".join(f"{name}={_printable(str(value))}" for name, value in event.added.items())
        clock = time.strftime("%H:%M:%S", time.localtime(event.unix_seconds))
        line = f"{clock} {event.level:<7} {_printable(event.message)} {added}".rstrip()
        return line if event.exception is None else f"{line}\n{event.exception}"


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr: records at once, what is given to `later` in a moment."""

    def __init__(self, form: JsonFormatter | HumanFormatter) -> None:
        super().__init__()
        self.setFormatter(form)
        self._form = form
        self._waiting: deque[Callable[[], Event]] = deque()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after what waits."""
        self.flush()
        super().emit(record)

    def later(self, event: Callable[[], Event]) -> None:
        """Write an event together with those of the next moment; called where an event loop runs."""
        self._waiting.append(event)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(WAIT_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        self.acquire()
        try:
            # Only now are they put into words: many lines one after the other cost half as much each.
            lines = [self._form.line(self._waiting.popleft()()) for _ in range(len(self._waiting))]
            # Where stderr is gone, there is nobody to tell.
            with suppress(OSError, ValueError):
                self.stream.write("".join(f"{line}\n" for line in lines))
                super().flush()
        finally:
            self.release()


def configure_logs(level: LogLevel, log_format: LogFormat) -> None:
    """Send every log to stderr in one form; "auto" is human on a terminal and JSON elsewhere."""
    logging.config.dictConfig(logging_settings(level, log_format))


def logging_settings(level: LogLevel, log_format: LogFormat) -> dict[str, object]:
    """Return the settings that `configure_logs` applies, for servers that configure logging themselves."""
    human = sys.stderr.isatty() if log_format == "auto" else log_format == "human"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"()": LineHandler, "form": HumanFormatter() if human else JsonFormatter()}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        # What libraries say of their own doings is of use only where something is being looked for.
        "loggers": {name: {"level": "INFO" if level == "debug" else "WARNING"} for name in _TALKATIVE},
    }


def line_handler(logger: logging.Logger) -> LineHandler | None:
    """Return our handler where it alone gets what a logger says; None where anyone else may listen too."""
    handlers = _root.handlers
    if logger.parent is not _root or logger.handlers or not logger.propagate or len(handlers) != 1:
        return None
    return handlers[0] if isinstance(handlers[0], LineHandler) else None


def flush_logs() -> None:
    """Write what waits to be written, as before the end of a process."""
    for handler in _root.handlers:
        handler.flush()


def _event(record: logging.LogRecord) -> Event:
    now = trace.get() or Trace("")
    given = {"request_id": now.request_id, "tenant": now.tenant_id}
    given |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return Event(
        unix_seconds=record.created,
        level=record.levelname.lower(),
        logger=record.name,
        message=record.getMessage(),
        added={name: value for name, value in given.items() if value not in ("", None)},
        exception=_formatter.formatException(record.exc_info) if record.exc_info else None,
    )


@lru_cache(maxsize=1)
def _utc(unix_seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(unix_seconds))


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
