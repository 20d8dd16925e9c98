"""Stores and servers as processes, for the tests of this folder that need one."""

from tests.serving.fixtures import made_place, place, place_template

__all__ = ["made_place", "place", "place_template"]
