"""The statements that are kept once they are compiled: how many there are, and how often one was there already.

Whatever function of the store keeps the statements that it makes is counted, by the counts that `lru_cache` has of it
anyway. What is none yet, such as one whose filter has still to be put in, is not.
"""

import sys
from collections.abc import Callable
from functools import _lru_cache_wrapper
from types import ModuleType

from stanchion.store.compile import Compiled

# What a function that makes statements gives: with their parameters, or as text.
_STATEMENTS = (Compiled, str, str | None)
_PACKAGE = f"{__package__}."


def statement_counts() -> tuple[int, int, int]:
    """Return how often a statement was there, how often it had to be made, and how many are kept."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(_PACKAGE)]
    found = {id(each): each.cache_info() for module in modules for each in _keeping(module)}
    hits, misses, _, kept = zip(*found.values(), strict=True)
    return sum(hits), sum(misses), sum(kept)


def _keeping(module: ModuleType) -> list["_lru_cache_wrapper[object]"]:
    kept = [value for value in list(vars(module).values()) if isinstance(value, _lru_cache_wrapper)]
    return [each for each in kept if _makes_statements(each.__wrapped__)]


def _makes_statements(function: Callable[..., object]) -> bool:
    return function.__module__.startswith(_PACKAGE) and function.__annotations__["return"] in _STATEMENTS
