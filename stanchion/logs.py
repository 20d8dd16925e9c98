"""Logs on stderr: one line an event, as JSON for machines or as text for people.

Each line of a request carries its request id and tenant. Text that came from outside is escaped, so that no
caller can write a line of its own; tokens, secrets and bodies are never logged.
"""

import logging
import logging.config
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import msgspec

LogFormat: TypeAlias = Literal["auto", "human", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

request_id: ContextVar[str] = ContextVar("request_id", default="")
tenant_id: ContextVar[str] = ContextVar("tenant_id", default="")

_TALKATIVE = ("_granian", "alembic")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object: time, level, logger, message, and what the caller added."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_added(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(fields, enc_hook=str).decode()


class HumanFormatter(logging.Formatter):
    """Writes a record as a line for a terminal; a stack trace, ours alone, follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        added = " ".join(f"{name}={_printable(str(value))}" for name, value in _added(record).items())
        clock = self.formatTime(record, "%H:%M:%S")
        line = f"{clock} {record.levelname.lower():<7} {_printable(record.getMessage())} {added}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logs(level: LogLevel, log_format: LogFormat) -> None:
    """Send every log to stderr in one form; "auto" is human on a terminal and JSON elsewhere."""
    logging.config.dictConfig(logging_settings(level, log_format))


def logging_settings(level: LogLevel, log_format: LogFormat) -> dict[str, object]:
    """Return the settings that `configure_logs` applies, for servers that configure logging themselves."""
    human = sys.stderr.isatty() if log_format == "auto" else log_format == "human"
    formatter = HumanFormatter if human else JsonFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        # What libraries say of their own doings is of use only where something is being looked for.
        "loggers": {name: {"level": "INFO" if level == "debug" else "WARNING"} for name in _TALKATIVE},
    }


def _added(record: logging.LogRecord) -> dict[str, object]:
    context = {"request_id": request_id.get(), "tenant": tenant_id.get()}
    added = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {name: value for name, value in {**context, **added}.items() if value not in ("", None)}


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
