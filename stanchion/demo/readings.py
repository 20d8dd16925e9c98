"""What each control measured on each day of a story: so many passed, of so many."""

import random
from typing import NamedTuple

from stanchion.demo.controls import Control
from stanchion.demo.story import LAST_DAY, Story, Turn


class Reading(NamedTuple):
    """How many of those counted are as they should be; a switch is 1 of 1 or 0 of 1."""

    passed: int
    total: int


def readings(story: Story, control: Control) -> list[Reading]:
    """Walk a control through the year: one reading a day, day 0 first.

    The daily steps of a slow turn are drawn from a generator seeded with tenant and control, so that no control's
    walk depends on another's.
    """
    steps = random.Random(f"{story.tenant_id}/{control.id}")
    turns = story.course(control)
    passed = 0
    walk = []
    for day in range(LAST_DAY + 1):
        total = 1 if control.counted is None else story.population(control.counted, day)
        turn = _turn_on(turns, day)
        step = total if turn.pace is None else steps.randint(0, turn.pace)
        # Those counted may have become fewer since yesterday.
        passed = min(_towards(passed, round(total * turn.share), step), total)
        walk.append(Reading(passed, total))
    return walk


def _turn_on(turns: tuple[Turn, ...], day: int) -> Turn:
    return next(turn for turn in reversed(turns) if turn.day <= day)


def _towards(passed: int, target: int, step: int) -> int:
    if passed < target:
        return min(passed + step, target)
    return max(passed - step, target)
