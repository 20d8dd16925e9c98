"""`stanchion check`: whether all is well, a line for each thing looked at, with what to do where it is not.

- Nothing is written: neither to the store nor beside it. A running server is not disturbed.
- Each check stands alone: what one cannot do is a finding, and the next is made all the same.
- Exit status 0 when nothing failed, warnings or not; else 1.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TypeAlias

import click

from stanchion.app import database_file, key_file, on_postgresql
from stanchion.cli.checks.chains import check_chains
from stanchion.cli.checks.clients import check_client_certificates
from stanchion.cli.checks.configuration import check_certificate, check_configuration
from stanchion.cli.checks.database import (
    check_file,
    check_postgresql,
    check_schema,
    check_server_clock,
    check_servers,
)
from stanchion.cli.checks.finding import Finding, failed, ok, warning
from stanchion.cli.checks.machine import check_clock, check_disk, check_server
from stanchion.cli.checks.retention import check_retention
from stanchion.cli.checks.trust import check_issuers, check_keys
from stanchion.cli.options import json_option, print_object, setting_options, settings_from
from stanchion.errors import OperatorError, StanchionError
from stanchion.settings import SETTINGS, Settings
from stanchion.store.batch import now_ticks
from stanchion.store.file_inspection import inspect_file
from stanchion.store.inspection import Inspection
from stanchion.store.tables import HEAD_REVISION

Check: TypeAlias = Callable[[], Iterable[Finding]]
Named: TypeAlias = tuple[str, Finding]

# So many tenants fill a screen; where more are well, people want to see the others.
SHOWN_OF_A_CHECK = 20

# What can be told only of a database of the present schema.
_NEEDING_THE_SCHEMA = ("key file", "clock", "issuers", "apps", "retention", "chain")
_NEEDING_THE_DATABASE = ("schema", *_NEEDING_THE_SCHEMA)


@click.command()
@click.option("--full", is_flag=True, help="Look at every page, change and entity instead of a sample.")
@setting_options(*SETTINGS)
@json_option
def check(*, full: bool, as_json: bool, **options: object) -> None:
    """Tell whether all is well: settings, disk, database, keys, issuers, certificates, clock, history.

    Nothing is written. Run it as the server's account, with the server's settings; the server may be running.
    """
    examined = _examined(options, full=full)
    found = list(examined if as_json else _printed(examined))
    failures = sum(finding.status == "failed" for _, finding in found)
    if as_json:
        print_object({"ok": not failures, "findings": [_described(*each) for each in found]}, as_json=True)
    if failures:
        raise OperatorError(f"{failures} of {len(found)} checks failed.")


def _printed(examined: Iterable[Named]) -> Iterator[Named]:
    """Give what was examined, printing it as it comes, but of many of a check that are well only some."""
    for name, findings in groupby(examined, key=itemgetter(0)):
        well = 0
        for _, finding in findings:
            well += finding.status == "ok"
            if finding.status != "ok" or well <= SHOWN_OF_A_CHECK:
                click.echo(_line(name, finding))
            yield name, finding
        if well > SHOWN_OF_A_CHECK:
            click.echo(_line(name, ok(f"{well - SHOWN_OF_A_CHECK} more are well too; --json has them all.")))


def _examined(options: dict[str, object], *, full: bool) -> Iterator[Named]:
    try:
        settings = settings_from(options)
        path = None if on_postgresql(settings) else database_file(settings)
    except (click.ClickException, OperatorError) as error:
        yield "configuration", failed(error.message)
        return
    yield from _made("configuration", partial(check_configuration, settings))
    yield from _made("certificate", partial(check_certificate, settings, now=dt.datetime.now(dt.UTC)))
    try:
        if path is None:
            yield from _examined_server(settings, full=full)
        else:
            yield from _made("disk", partial(check_disk, path))
            yield from _made("server", partial(check_server, path))
            yield from _examined_file(path, settings, full=full)
    except OperatorError as error:
        yield "database", failed(error.message)
        yield from _not_made(_NEEDING_THE_DATABASE, "the database cannot be read")


def _examined_file(path: Path, settings: Settings, *, full: bool) -> Iterator[Named]:
    with inspect_file(path) as file:
        yield from _made("database", partial(check_file, file, full=full))
        yield from _examined_store(file.store, settings, full=full, brought_by="the next start of the server")
        if file.was_written:
            yield (
                "database",
                warning(
                    "Somebody wrote to the file while it was looked at without a log; if anything failed, repeat."
                ),
            )


def _examined_server(settings: Settings, *, full: bool) -> Iterator[Named]:
    # Its driver is not for those who use SQLite.
    from stanchion.store.postgresql.inspection import inspect_postgresql

    with inspect_postgresql(settings.database) as server:
        yield from _made("server", partial(check_servers, server))
        yield from _made("database", partial(check_postgresql, server))
        yield from _made("clock", partial(check_server_clock, server, now_ticks=now_ticks))
        yield from _examined_store(server.store, settings, full=full, brought_by="`stanchion migrate`")


def _examined_store(store: Inspection, settings: Settings, *, full: bool, brought_by: str) -> Iterator[Named]:
    checks: tuple[tuple[str, Check], ...] = (
        ("key file", partial(check_keys, store, key_file=key_file(settings))),
        ("clock", partial(check_clock, store, now_ticks=now_ticks())),
        ("issuers", partial(check_issuers, store)),
        ("apps", partial(check_client_certificates, store, now=dt.datetime.now(dt.UTC))),
        ("retention", partial(check_retention, store, days=settings.retention_days, now_ticks=now_ticks())),
        ("chain", partial(check_chains, store, full=full)),
    )
    yield from _made("schema", partial(check_schema, store, brought_by=brought_by))
    if _is_present(store):
        for name, made in checks:
            yield from _made(name, made)
    else:
        yield from _not_made(_NEEDING_THE_SCHEMA, "the schema is not that of this version")


def _is_present(store: Inspection) -> bool:
    try:
        return store.revision() == HEAD_REVISION
    except OperatorError:
        return False


def _made(name: str, check: Check) -> Iterator[Named]:
    try:
        yield from ((name, finding) for finding in check())
    except (StanchionError, click.ClickException) as error:
        yield name, failed(error.message)
    except Exception as error:  # noqa: BLE001 (what damage makes of one check must not keep the others from being made)
        yield name, failed(f"It could not be checked: {type(error).__name__}: {error}.")


def _not_made(names: Iterable[str], reason: str) -> Iterator[Named]:
    return ((name, warning(f"Not checked, because {reason}.")) for name in names)


def _line(name: str, finding: Finding) -> str:
    subject = f"{finding.subject}: " if finding.subject else ""
    return f"{finding.status:<7}  {name:<13}  {' '.join(f'{subject}{finding.text}'.split())}"


def _described(name: str, finding: Finding) -> dict[str, str | None]:
    return {"check": name, "status": finding.status, "subject": finding.subject, "finding": finding.text}
