"""A store to copy, for the tests of this folder."""

from tests.serving.fixtures import made_place

__all__ = ["made_place"]
