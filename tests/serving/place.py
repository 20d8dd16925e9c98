"""A small store, on either database: one tenant, a writing and a reading app, controls and scores.

Made once and copied, because a signing key and a schema take longer than most tests.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from stanchion.access.operator import AppWish, add_app, add_tenant, signing_key
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.app import open_store
from stanchion.ledger.changes import Operator
from stanchion.ledger.imports import ImportEntities, Incoming
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.model.json_text import JsonObject
from tests.databases import AnyStore, Database
from tests.lasting_tokens import LastingTokens

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "66666666-7777-4888-8999-aaaaaaaaaaaa"
MICROSOFT: JsonObject = {
    "provider": "SecureScore",
    "providerVersion": None,
    "subProvider": None,
    "vendor": "Microsoft",
}
OPERATOR = Operator("tester")
CONTROLS = 200
_DAYS = 12


@dataclass(frozen=True)
class Place:
    """Where a store lies, and how to speak to it."""

    at: Database
    client_id: str = ""
    secret: str = ""
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def token(self) -> str:
        """A token that may write."""
        return self.tokens["writer"]

    @property
    def reading_token(self) -> str:
        """A token that may read."""
        return self.tokens["reader"]

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.at.folder

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.at.path

    @property
    def url(self) -> str:
        """What --database takes."""
        return self.at.url

    @property
    def key_file(self) -> Path:
        """Where the key is that seals signing keys."""
        return self.at.key_file

    @property
    def options(self) -> tuple[str, ...]:
        """The options by which a command finds it."""
        return self.at.options

    @contextmanager
    def opened(self) -> Iterator[AnyStore]:
        """Open the store, as a command does, until the end of the block."""
        store = open_store(self.at.settings)
        try:
            yield store
        finally:
            store.close_now()

    def copied_to(self, folder: Path) -> "Place":
        """Return the same place in another folder; for a place on SQLite."""
        return replace(self, at=self.at.copied_to(folder))


def make_place(database: Database) -> Place:
    """Make the store in an empty database."""
    place, key_file = Place(database), database.key_file
    with place.opened() as store:
        key = signing_key(store, key_file=key_file, actor=OPERATOR)
        add_tenant(store, TENANT, name="Alder Quay", actor=OPERATOR)
        add_tenant(store, OTHER_TENANT, name="Brinewood", actor=OPERATOR)
        writer = add_app(store, AppWish(TENANT, "writer", ("SecurityEvents.ReadWrite.All",)), actor=OPERATOR)
        reader = add_app(store, AppWish(TENANT, "reader", ("SecurityEvents.Read.All",)), actor=OPERATOR)
        tokens = {
            added.app.name: issue_token(
                store,
                TokenWish(TENANT, added.app.client_id),
                key_file=key_file,
                actor=OPERATOR,
                now_seconds=int(time.time()),
            ).token
            for added in (writer, reader)
        }
        store.run(_entities())
    return Place(database, writer.app.client_id, writer.secret, LastingTokens(tokens, key=key))


def control_id(number: int) -> str:
    """Return the id of a control, numbered from 0."""
    return f"control-{number:03}"


def score_id(day: int) -> str:
    """Return the id of the score of a day of January 2026."""
    return f"{TENANT}_2026-01-{day:02}"


def control(number: int) -> JsonObject:
    """Return a control of Microsoft's."""
    return {
        "id": control_id(number),
        "azureTenantId": TENANT,
        "title": f"Title {number}",
        "implementationCost": "Low",
        "maxScore": 5,
        "vendorInformation": MICROSOFT,
    }


def score(day: int) -> JsonObject:
    """Return the score of a day of January 2026."""
    return {
        "id": score_id(day),
        "azureTenantId": TENANT,
        "createdDateTime": f"2026-01-{day:02}T00:00:00Z",
        "currentScore": 10.0 + day,
        "maxScore": 50.0,
        "vendorInformation": MICROSOFT,
        "controlScores": [
            {"controlName": control_id(number), "score": 1.0, "controlCategory": "Identity"}
            for number in range(20)
        ],
    }


def bringing_in(*entities: Incoming, tenant_id: str = TENANT) -> ImportEntities:
    """Return the import of a file of entities."""
    return ImportEntities(
        tenant_id=tenant_id,
        command_id=str(uuid4()),
        actor=OPERATOR,
        source="a test",
        digest="0" * 64,
        entities=entities,
    )


def _entities() -> ImportEntities:
    controls = [Incoming.of(CONTROL_PROFILES, control(number)) for number in range(CONTROLS)]
    scores = [Incoming.of(SECURE_SCORES, score(day)) for day in range(1, _DAYS + 1)]
    return bringing_in(*controls, *scores)
