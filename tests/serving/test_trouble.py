"""A database that is locked, and a disk that is full: 503, nothing acknowledged is lost, and then it goes on."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.invoking import invoke
from tests.crash.ledger import decisions
from tests.serving.mounting import small_disk
from tests.serving.place import TENANT, Place, control_id
from tests.serving.process import Server, running

pytestmark = pytest.mark.sqlite("is about a file that is locked and a disk that is full")

CONTROL = f"/v1.0/security/secureScoreControlProfiles/{control_id(0)}"


def test_a_database_locked_by_another_process_is_503_and_then_fine(server: Server, place: Place) -> None:
    with server.client(place.token) as client:
        with locked(place.database):
            refused = decide(client, "while locked")
            read = client.get(CONTROL)
        accepted = decide(client, "afterwards")

    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json()["error"]["code"] == "ServiceUnavailable"
    assert read.status_code == 200
    assert accepted.status_code == 204
    assert [decision.comment for decision in decisions(place.database)] == ["afterwards"]


def test_what_the_command_line_adds_beside_the_server_counts_at_once(server: Server, place: Place) -> None:
    where = ("--tenant", TENANT, *place.options)
    added = invoke("app", "add", "--name", "late", "--json", *where)
    token = invoke("token", "--client-id", json.loads(added.stdout)["client_id"], *where).stdout.strip()

    with server.client(token) as client:
        assert client.get(CONTROL).status_code == 200


def test_a_full_disk_refuses_writes_keeps_what_it_acknowledged_and_works_again_with_space(
    made_place: Place, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    with small_disk(tmp_path / "disk", kibibytes=6 * 1024) as disk:
        place = made_place.copied_to(disk.folder)
        with running(place) as server, server.client(place.token) as client:
            acknowledged.append(written(client, "with space"))
            ballast = disk.fill()
            # What the write-ahead log has already may still be overwritten.
            while (
                answer := decide(client, comment := f"full {len(acknowledged)} {'x' * 2000}")
            ).status_code == 204:
                acknowledged.append(comment)

            assert answer.status_code == 503
            assert "full" in answer.json()["error"]["message"]
            assert int(answer.headers["Retry-After"]) > 0
            assert client.get(CONTROL).json()["controlStateUpdates"][0]["comment"] == acknowledged[-1]
            assert len(client.get("/v1.0/security/secureScores").json()["value"]) > 1
            assert server.ready()

            ballast.unlink()
            acknowledged.append(written(client, "with space again"))
            assert server.stop() == 0
        verified = invoke("verify", "--tenant", TENANT, *place.options)
        found = [decision.comment for decision in decisions(place.database)]

    assert verified.exit_code == 0, verified.stderr
    assert found == acknowledged


@pytest.mark.slow
def test_a_server_that_filled_its_disk_by_itself_starts_again_on_it(
    made_place: Place, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    with small_disk(tmp_path / "disk", kibibytes=2 * 1024) as disk:
        place = made_place.copied_to(disk.folder)
        with running(place) as server, server.client(place.token) as client:
            while decide(client, comment := f"{len(acknowledged)} {'x' * 3000}").status_code == 204:
                acknowledged.append(comment)
            server.process.kill()
            server.process.wait()
        with running(place, port=server.port) as server, server.client(place.token) as client:
            assert client.get(CONTROL).json()["controlStateUpdates"][0]["comment"] == acknowledged[-1]
            assert server.stop() == 0
        found = [decision.comment for decision in decisions(place.database)]

    assert len(acknowledged) > 10
    assert found == acknowledged


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the lock for writing, as an import from the command line does."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def decide(client: httpx.Client, comment: str) -> httpx.Response:
    vendor = {"provider": "SecureScore", "vendor": "Microsoft"}
    return client.patch(CONTROL, json={"comment": comment, "vendorInformation": vendor})


def written(client: httpx.Client, comment: str) -> str:
    answer = decide(client, comment)
    assert answer.status_code == 204, answer.text
    return comment
