"""Stores, certificates and servers as processes, for the tests of this folder."""

from tests.serving.fixtures import (
    certificates,
    made_place,
    place,
    place_template,
    server,
    shared_place,
    shared_server,
)

__all__ = ["certificates", "made_place", "place", "place_template", "server", "shared_place", "shared_server"]
