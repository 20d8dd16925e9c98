"""Logs on stderr: one line an event, as JSON for machines or as text for people.

- Each line of a request carries its request id, tenant and app. Text that came from outside is escaped, so that no
  caller can write a line of its own; tokens, secrets and bodies are never logged.
- A line may wait a moment to be written together with others. What waits is written before any line that does
  not, so that lines stand in the order of their events; a process that is killed loses what waits.
"""

import asyncio
import logging
import logging.config
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, TextIO, TypeAlias, TypeVar

import msgspec
from msgspec import structs

LogFormat: TypeAlias = Literal["auto", "human", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
F = TypeVar("F")

# A write costs several times as much as a line, and to those who read along this is at once.
WAIT_SECONDS = 0.02

_TALKATIVE = ("_granian", "alembic")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_json = msgspec.json.Encoder(enc_hook=str)
_formatter = logging.Formatter()
_root = logging.getLogger()


class CallerSpan(msgspec.Struct, frozen=True):
    """The span of a distributed trace in which a request was sent, as its caller says: hexadecimal digits alone."""

    trace_id: str
    span_id: str
    trace_flags: str  # "01" where the caller records the trace, else "00"


class Trace(msgspec.Struct):
    """Which request a line belongs to, and whose it is, once that is known."""

    request_id: str
    tenant_id: str = ""
    batch_id: str = ""  # the request id of the batch that it came in
    app_id: str = ""
    kind: str = "unknown"  # of what is asked, in a word
    person: str = ""  # for whom the app asks, where that matters
    sent_in: CallerSpan | None = None


trace: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""That of the request which is being answered, None outside of any."""


class Event(msgspec.Struct, frozen=True):
    """What every line tells; whoever has more to tell adds fields, of which one that is UNSET is left out."""

    time: str
    level: str
    logger: str
    message: str


class JsonFormatter(logging.Formatter):
    """Writes each line as one JSON object: time, level, logger, message, and what the caller added."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return _json.encode(_fields(record)).decode()

    def lines(self, events: Sequence[Event]) -> str:
        """Return the lines of events, each with its end."""
        return _json.encode_lines(events).decode()


class HumanFormatter(logging.Formatter):
    """Writes each line for a terminal; a stack trace, ours alone, follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return _human_line(_fields(record))

    def lines(self, events: Sequence[Event]) -> str:
        """Return the lines of events, each with its end."""
        return "".join(f"{_human_line(fields_of(event))}\n" for event in events)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr: records at once, what is given to `later` in a moment."""

    def __init__(self, form: JsonFormatter | HumanFormatter) -> None:
        super().__init__()
        self.setFormatter(form)
        self._form = form
        self._waiting: deque[tuple[Callable[[Any], Event], object]] = deque()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after what waits."""
        self.flush()
        super().emit(record)

    def later(self, event: Callable[[F], Event], facts: F) -> None:
        """Write the event of some facts together with those of the next moment; for where an event loop runs."""
        self._waiting.append((event, facts))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(WAIT_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        self.acquire()
        try:
            # Only now are they put into words: many lines one after the other cost half as much each.
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
            # Where stderr is gone, there is nobody to tell.
            with suppress(OSError, ValueError):
                self.stream.write(self._form.lines([event(facts) for event, facts in waiting]))
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


def fields_of(event: Event) -> dict[str, object]:
    """Return what an event tells, by name, in the order of its line."""
    fields = ((name, getattr(event, name)) for name in event.__struct_fields__)
    return {name: value for name, value in fields if value is not msgspec.UNSET}


def stamp(unix_seconds: float) -> str:
    """Return a time as lines have it: in UTC, to the millisecond."""
    return _utc(int(unix_seconds * 1000))


def _fields(record: logging.LogRecord) -> dict[str, object]:
    now = trace.get() or Trace("")
    given: dict[str, object] = {
        "request_id": now.request_id,
        "tenant": now.tenant_id,
        "app": now.app_id,
        "batch": now.batch_id,
    }
    if now.sent_in is not None:
        given |= structs.asdict(now.sent_in)
    given |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
    fields = {
        "time": stamp(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
        **{name: value for name, value in given.items() if value not in ("", None)},
    }
    if record.exc_info:
        fields["exception"] = _formatter.formatException(record.exc_info)
    return fields


def _human_line(fields: dict[str, object]) -> str:
    known = {name: str(fields.pop(name)) for name in Event.__struct_fields__}
    exception = fields.pop("exception", None)
    added = " ".join(f"{name}={_printable(str(value))}" for name, value in fields.items())
    clock = datetime.fromisoformat(known["time"]).astimezone().strftime("%H:%M:%S")
    line = f"{clock} {known['level']:<7} {_printable(known['message'])} {added}".rstrip()
    return line if exception is None else f"{line}\n{exception}"


# Many lines are of one millisecond.
@lru_cache(maxsize=1)
def _utc(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
