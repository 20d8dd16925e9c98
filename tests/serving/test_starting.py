"""What keeps `serve` from starting is said in one line, with exit status 1; a wrong option with 2."""

import os
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest

from stanchion.app import build_server, database_file, key_file, open_store
from stanchion.settings import Settings
from tests.cli.invoking import invoke
from tests.serving.mounting import small_disk
from tests.serving.place import Place
from tests.serving.process import Server, free_port, stanchion

pytestmark = pytest.mark.sqlite("is about what can be wrong with a file")

Wrong: TypeAlias = Callable[[Place], tuple[str, str]]


def test_a_port_that_another_program_has_is_refused_naming_the_option(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ran = invoke("serve", "--database", f"sqlite:///{tmp_path / 'new.db'}", "--port", port)

    assert_refused(ran.exit_code, ran.stderr, port, "--port")


def test_a_port_that_another_server_has_is_refused_too(shared_server: Server, tmp_path: Path) -> None:
    # The server binds so that ports can be shared, so that this is not the kernel's doing.
    ran = invoke("serve", "--database", f"sqlite:///{tmp_path / 'new.db'}", "--port", shared_server.port)

    assert_refused(ran.exit_code, ran.stderr, str(shared_server.port), "--port")


def test_a_second_server_on_a_database_is_refused_naming_the_first(
    shared_server: Server, shared_place: Place
) -> None:
    ran = stanchion("serve", *shared_place.options, "--port", str(free_port()), folder=shared_place.folder)

    assert_refused(ran.returncode, ran.stderr, f"process {shared_server.process.pid}")
    assert shared_server.ready()


def test_the_second_server_is_refused_under_another_name_of_the_database_too(
    shared_server: Server, shared_place: Place, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(shared_place.database)
    ran = invoke("serve", "--database", f"sqlite:///{link}", "--port", free_port())

    assert_refused(ran.exit_code, ran.stderr, f"process {shared_server.process.pid}")


def newer_schema(place: Place) -> tuple[str, str]:
    with closing(sqlite3.connect(place.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    return place.url, "9999"


def no_database(place: Place) -> tuple[str, str]:
    place.database.write_bytes(b"This is a letter to my aunt.\n" * 200)
    return place.url, "not a SQLite database"


def other_program(place: Place) -> tuple[str, str]:
    place.database.unlink()
    with closing(sqlite3.connect(place.database)) as connection:
        connection.execute("CREATE TABLE aunts (name TEXT)")
        connection.commit()
    return place.url, "another program"


def directory(place: Place) -> tuple[str, str]:
    return f"sqlite:///{place.folder}", "directory"


def no_folder(place: Place) -> tuple[str, str]:
    return f"sqlite:///{place.folder}/missing/stanchion.db", "missing"


def other_scheme(place: Place) -> tuple[str, str]:
    return f"mysql://{place.folder}", "sqlite:///PATH"


def lost_key(place: Place) -> tuple[str, str]:
    place.key_file.unlink()
    return place.url, "key"


def other_key(place: Place) -> tuple[str, str]:
    place.key_file.write_text("ab" * 32 + "\n")
    return place.url, "key"


@pytest.mark.parametrize(
    "wrong",
    [newer_schema, no_database, other_program, directory, no_folder, other_scheme, lost_key, other_key],
)
def test_a_database_that_cannot_be_used_keeps_it_from_starting(place: Place, wrong: Wrong) -> None:
    url, reason = wrong(place)
    ran = invoke("serve", "--database", url, "--port", free_port())

    assert_refused(ran.exit_code, ran.stderr, reason)


def test_a_read_only_disk_keeps_it_from_starting(made_place: Place, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kibibytes=4096) as disk:
        place = made_place.copied_to(disk.folder)
        disk.make_read_only()
        ran = invoke("serve", *place.options, "--port", free_port())

        assert_refused(ran.exit_code, ran.stderr, str(disk.folder))


def test_a_database_file_without_the_right_to_write_keeps_it_from_starting(place: Place) -> None:
    place.database.chmod(0o444)
    if os.access(place.database, os.W_OK):
        pytest.skip("This account may write every file.")
    ran = invoke("serve", *place.options, "--port", free_port())

    assert_refused(ran.exit_code, ran.stderr, "written")


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "::2"])
def test_a_host_that_is_not_of_this_machine_is_refused(place: Place, host: str) -> None:
    ran = invoke("serve", *place.options, "--host", host, "--port", free_port())

    assert_refused(ran.exit_code, ran.stderr, host, "--host")


@pytest.mark.parametrize("url", ["https://posture.example.com/path", "posture.example.com", "ftp://x"])
def test_a_public_url_that_is_no_origin_is_refused(place: Place, url: str) -> None:
    ran = invoke("serve", *place.options, "--public-url", url)

    assert_refused(ran.exit_code, ran.stderr, url)


@pytest.mark.parametrize(
    "options",
    [
        ("--workers", "2"),
        ("--workers", "0"),
        ("--port", "0"),
        ("--port", "65536"),
        ("--port", "http"),
        ("--log-format", "xml"),
        ("--nothing",),
    ],
)
def test_an_option_that_is_not_allowed_is_a_usage_error(place: Place, options: tuple[str, ...]) -> None:
    ran = invoke("serve", *place.options, *options)

    assert ran.exit_code == 2
    assert options[0] in ran.stderr


def test_two_workers_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    ran = invoke("serve", "--database", f"sqlite:///{tmp_path / 'new.db'}", "--workers", "2")

    assert ran.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def assert_refused(status: int, stderr: str, *named: str) -> None:
    assert status == 1
    assert stderr.count("\n") == 1, stderr
    assert stderr.startswith("Error: ")
    for name in named:
        assert name in stderr


def test_the_key_and_the_lock_lie_beside_the_file_itself_however_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file, link = tmp_path / "data" / "stanchion.db", tmp_path / "link.db"
    link.symlink_to(file)
    for database in (str(file), str(link), f"sqlite:///{link}"):
        settings = Settings(database=database)
        assert (database_file(settings), key_file(settings)) == (file, Path(f"{file}.key"))


def test_a_server_makes_no_key_because_all_is_prepared_before_it(tmp_path: Path) -> None:
    settings = Settings(database=str(tmp_path / "stanchion.db"))
    store = open_store(settings)
    build_server(store, settings)
    assert (store.signing_keys(), key_file(settings).exists()) == ([], False)
    store.close_now()
