"""A standing: who a verified token stands for, and between which moments that holds without looking again."""

from dataclasses import dataclass

from stanchion.access.caller import Caller


@dataclass(frozen=True, slots=True)
class Standing:
    """A caller, good from `begins_seconds` and before `ends_seconds` (Unix time).

    At its end the token need not be refused: its claims are then judged again.
    """

    caller: Caller
    begins_seconds: float
    ends_seconds: float
