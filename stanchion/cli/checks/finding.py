"""A finding of a check: ok, a warning or a failure, in a sentence that says what to do where there is something."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["ok", "warning", "failed"]

_GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """What one check found; `subject` is the tenant, key or issuer that it is about, where there are several."""

    status: Status
    text: str
    subject: str | None = None


def ok(text: str, *, subject: str | None = None) -> Finding:
    """Return a finding that all is well."""
    return Finding("ok", text, subject)


def warning(text: str, *, subject: str | None = None) -> Finding:
    """Return a finding that works now, and should be looked at."""
    return Finding("warning", text, subject)


def failed(text: str, *, subject: str | None = None) -> Finding:
    """Return a finding that is to be mended."""
    return Finding("failed", text, subject)


def size(count: int) -> str:
    """Return a number of bytes for people."""
    if count >= _GIGABYTE:
        return f"{count / _GIGABYTE:,.1f} GB"
    return f"{count / 1_000_000:.1f} MB"
