"""A target of fuzzing: what reads a stranger's bytes, and which modules of ours read them there.

- A target takes bytes and returns, or raises what nobody may ever see: anything but a refusal that names its fault.
- Where there is a second reader of the same text, the two are held against each other, and what they read apart is
  a finding too.
"""

import asyncio
import atexit
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from stanchion.access.issuer_document import IssuerFault
from stanchion.access.oauth_error import OAuthError
from stanchion.cli.group import WrongSetting
from stanchion.errors import StanchionError

Reads: TypeAlias = Callable[[bytes], None]

# What bad input shall get.
REFUSALS = (StanchionError, OAuthError, IssuerFault, WrongSetting)


@dataclass(frozen=True)
class Target:
    """What makes a target, which may take a while, and the modules that read the input there."""

    make: Callable[[], Reads]
    modules: tuple[str, ...]


def reading(read: Reads, *modules: str) -> Target:
    """Return the target that is this function."""
    return Target(lambda: read, modules)


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop on which targets run what awaits, closed with the process."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def parted(data: bytes, count: int) -> list[bytes]:
    """Return the parts of an input, which NUL parts; those that are not there are empty."""
    parts = data.split(b"\x00", count - 1)
    return [*parts, *[b""] * (count - len(parts))]


def texts(data: bytes, count: int) -> list[str]:
    """Return the parts of an input as texts."""
    return [part.decode("utf-8", "replace") for part in parted(data, count)]
