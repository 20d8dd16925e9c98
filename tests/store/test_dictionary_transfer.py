"""Scores packed after dictionaries taken elsewhere: by backup, restore, copy to the other database, and back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject
from stanchion.store.transfer.backup import back_up_file
from stanchion.store.transfer.postgresql import copy_databases
from stanchion.store.transfer.restore import restore_file
from stanchion.store.transfer.sqlite_ends import copy_files
from stanchion.store.verify import verify
from tests.databases import DIALECTS, Database, Databases, on_file
from tests.store.commands import TENANT, put_all
from tests.store.conftest import opened
from tests.store.long_scores import DAYS, dictionaries, everything, import_days, named, score_of_day

_TO = [pytest.param(name, marks=[pytest.mark.postgres] if name == "postgresql" else []) for name in DIALECTS]


def advance(*_: object) -> None:
    """Be told of progress."""


@pytest.fixture
def days(database: Database) -> list[JsonObject]:
    """Some days of scores, in a store that is closed again."""
    with opened(database) as store:
        return import_days(store)


@pytest.fixture(params=_TO)
def target(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """An empty database of either kind."""
    folder = tmp_path / "target"
    folder.mkdir()
    with databases.new(request.param, folder) as database:
        yield database


def copied(source: Database, target: Database) -> None:
    """Move a store to another database."""
    if source.dialect == target.dialect == "sqlite":
        copy_files(source.path, target.path, ahead=False, advance=advance)
    else:
        copy_databases(source.url, target.url, ahead=False, advance=advance)


def test_a_copy_has_the_same_scores_in_its_own_way(
    database: Database, target: Database, days: list[JsonObject]
) -> None:
    copied(database, target)
    with opened(target) as store:
        assert everything(store) == days
        assert verify(store, TENANT, head=None).entities == DAYS
        # What comes later is packed after what was copied.
        store.run(put_all([score_of_day(DAYS)], SECURE_SCORES))
        assert everything(store) == [*days, score_of_day(DAYS)]
    assert len(dictionaries(target)) == (target.dialect == "sqlite")


def test_a_store_that_came_back_is_as_it_was(
    database: Database, target: Database, days: list[JsonObject]
) -> None:
    copied(database, target)
    copied(target, database)
    with opened(database) as store:
        assert everything(store) == days
        assert verify(store, TENANT, head=None).entities == DAYS
    if database.dialect == "sqlite":
        assert None not in named(database).values()


@pytest.mark.sqlite("copies the file")
def test_a_backup_has_the_dictionaries_and_a_restore_too(
    database: Database, days: list[JsonObject], tmp_path: Path
) -> None:
    backup, place = tmp_path / "backup.db", tmp_path / "restored"
    place.mkdir()
    back_up_file(database.path, backup, replace=False, advance=advance)
    restored = on_file(place)
    restore_file(backup, restored.path, replace=False, advance=advance)
    with opened(restored) as store:
        assert everything(store) == days
    assert dictionaries(restored) == dictionaries(database)
