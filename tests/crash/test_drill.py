"""A backup taken under load, a crash, a restore: what the how-to promises, from end to end."""

import asyncio
import json
import signal
from pathlib import Path

import httpx
import pytest

from tests.crash.judgement import faults
from tests.crash.notebook import Load, Notebook
from tests.crash.writers import write
from tests.serving.place import MICROSOFT, Place, control_id
from tests.serving.process import running, stanchion

_SETS = "/v1.0/security/secureScoreControlProfiles"
_SECONDS = 2.0
# Enough that there is no moment without a write.
_WRITERS = 8


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_acknowledged_before_a_backup_is_there_after_a_restore(place: Place) -> None:
    file = place.folder / "backup.db"
    with running(place) as server:

        async def backed_up(_notes: Notebook) -> None:
            """Back up beside the writers, then kill the server among them."""
            made = await asyncio.to_thread(stanchion, "backup", file, *place.options, folder=place.folder)
            assert made.returncode == 0, made.stderr
            server.stop(signal.SIGKILL)

        before = asyncio.run(write(place, server.port, name="before", seconds=_SECONDS))
        with server.client(place.token) as client:
            known = _known(client)
        during = asyncio.run(write(place, server.port, name="during", writers=_WRITERS, meanwhile=backed_up))
    assert before.unanswered == []
    assert during.acknowledged

    restored = stanchion("restore", file, "--replace", "--json", *place.options, folder=place.folder)
    assert restored.returncode == 0, restored.stderr
    judged = place.folder / "judged.db"
    _as_file(place, judged)
    beyond = Load(unanswered=[*(each.written for each in during.acknowledged), *during.unanswered])
    assert faults([before, beyond], judged) == []
    for tenant in (each["tenant"] for each in json.loads(restored.stdout)["tenants"]):
        verified = stanchion("verify", "--tenant", tenant, *place.options, folder=place.folder)
        assert verified.returncode == 0, verified.stderr
    with running(place) as server, server.client(place.token) as client:
        _assert_old_is_refused(client, known)


class _Known:
    """What a client kept of the store before."""

    def __init__(self, *, tag: str, next_link: str, delta_link: str) -> None:
        self.tag, self.next_link, self.delta_link = tag, next_link, delta_link


def _known(client: httpx.Client) -> _Known:
    first = client.get(f"{_SETS}?$top=1").json()["@odata.nextLink"]
    delta = client.get(f"{_SETS}/delta?$deltatoken=latest").json()["@odata.deltaLink"]
    tag = client.get(f"{_SETS}/{control_id(0)}").headers["ETag"]
    return _Known(tag=tag, next_link=_path(first), delta_link=_path(delta))


def _assert_old_is_refused(client: httpx.Client, known: _Known) -> None:
    address, body = f"{_SETS}/{control_id(0)}", {"comment": "late", "vendorInformation": MICROSOFT}
    assert client.patch(address, json=body, headers={"If-Match": known.tag}).status_code == 412
    assert client.get(address, headers={"If-None-Match": known.tag}).status_code == 200
    assert client.get(known.delta_link).status_code == 410
    assert client.get(known.next_link).status_code == 400
    now = client.get(address).headers["ETag"]
    assert now != known.tag
    assert client.patch(address, json=body, headers={"If-Match": now}).status_code == 204


def _as_file(place: Place, file: Path) -> None:
    """Have the store in a file, for those who read it beside the program."""
    made = stanchion("backup", file, *place.options, folder=place.folder)
    assert made.returncode == 0, made.stderr


def _path(link: str) -> str:
    return link[link.index("/v1.0") :]
