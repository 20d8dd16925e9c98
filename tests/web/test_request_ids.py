"""Request ids: in the form of UUIDs, each given once."""

from itertools import islice
from uuid import RFC_4122, UUID

from stanchion.web.request_ids import request_ids


def test_ids_are_uuids_and_each_comes_once() -> None:
    ids = [*islice(request_ids(), 1000), *islice(request_ids(), 1000)]
    assert len(set(ids)) == 2000
    assert {(str(UUID(id)) == id, UUID(id).version, UUID(id).variant) for id in ids} == {(True, 4, RFC_4122)}
