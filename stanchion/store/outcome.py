"""What became of a command: done and on the disk, refused, or unknown because the disk failed at COMMIT."""

from collections.abc import Sequence
from typing import Generic, TypeAlias, TypeVar

import msgspec

from stanchion.errors import OutcomeUnknown, ServiceUnavailable

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Done(msgspec.Struct, Generic[T_co], frozen=True):
    """The command was accepted and is on the disk."""

    result: T_co


class Refused(msgspec.Struct, frozen=True):
    """The command has no answer; `error` says why, and whether it is known that it left nothing."""

    error: Exception


Outcome: TypeAlias = Done[T] | Refused


class StoreBroken(Exception):
    """The disk failed at COMMIT, so that nobody knows what is on it: nothing more may be written.

    `outcomes` tells what became of each command of the batch all the same, and `if_committed` what would have, should
    somebody find out that the transaction was committed.
    """

    def __init__(
        self,
        reason: str,
        *,
        outcomes: Sequence[Outcome[object]] = (),
        if_committed: Sequence[Outcome[object]] = (),
    ) -> None:
        super().__init__(reason)
        self.outcomes = tuple(outcomes)
        self.if_committed = tuple(if_committed)


def unknown() -> Refused:
    """Return the outcome of a command that was being written when the disk failed."""
    return Refused(
        OutcomeUnknown(
            "The database failed while writing: it is not known whether the write was made; read before repeating."
        )
    )


def never_run() -> Refused:
    """Return the outcome of a command that came after the disk had failed."""
    return Refused(
        ServiceUnavailable(
            "The database failed while writing; nothing more is written until it is looked at."
        )
    )
