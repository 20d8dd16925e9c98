"""The tables, described once; entity tables are derived from the entity sets.

- Each tenant-owned table has `tenant_id` first in its primary key and in every unique constraint, index and
  foreign key, so that the same schema distributes over several nodes.
- Text compares by code point on every database: `COLLATE "C"` on PostgreSQL, SQLite's own order elsewhere.
- Ids, times and sequences come from the application: no serials, defaults or triggers.
"""

from types import MappingProxyType
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, ENTITY_SETS, GRAPH_SETS, EntitySet, PrimitiveName

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")  # every revision of the schema, oldest first
HEAD_REVISION = REVISIONS[-1]

T = TypeVar("T")

metadata = MetaData()
_text = Text().with_variant(Text(collation="C"), "postgresql")
_body = LargeBinary().with_variant(Text(collation="C"), "postgresql")

_COLUMN_TYPES: dict[PrimitiveName, Text | Boolean | Integer | Double[float] | BigInteger] = {
    "Edm.String": _text,
    "Edm.Boolean": Boolean(),
    "Edm.Int32": Integer(),
    "Edm.Double": Double(),
    "Edm.DateTimeOffset": BigInteger(),
}


def _required(name: str, kind: TypeEngine[T]) -> Column[T]:
    return Column(name, kind, nullable=False)


def _tenant_key(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["tenant_id"], ["tenants.tenant_id"], name=f"fk_{table}_tenants", ondelete="RESTRICT"
    )


def _entity_table(entity_set: EntitySet) -> Table:
    name = entity_set.table_name
    columns = (Column(column.name, _COLUMN_TYPES[column.type.name]) for column in entity_set.columns)
    table = Table(
        name,
        metadata,
        _required("tenant_id", _text),
        _required("id", _text),
        _required("version", BigInteger()),
        Column("dictionary", _text),
        *columns,
        _required("body", _body),
        PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
        _tenant_key(name),
    )
    # What changed is read in this order, an import's thousands of one version by their ids.
    by_id = (table.c.id,) if entity_set in GRAPH_SETS else ()
    Index(f"ix_{name}_version", table.c.tenant_id, table.c.version, *by_id)
    if entity_set.newest_first:
        Index(f"ix_{name}_created", table.c.tenant_id, table.c.created_date_time)
    if entity_set is CONTROL_PROFILES:
        # What consoles filter by: ten times as fast for 500 controls, for 4 us of CPU a write.
        Index(f"ix_{name}_category", table.c.tenant_id, table.c.control_category, table.c.max_score)
    if entity_set is DECISIONS:
        standing = (table.c.updated_date_time, table.c.version, table.c.id)
        Index(f"ix_{name}_control", table.c.tenant_id, table.c.control_id, *standing)
    return table


tenants = Table(
    "tenants",
    metadata,
    _required("tenant_id", _text),
    _required("name", _text),
    _required("created_ticks", BigInteger()),
    _required("sequence", BigInteger()),
    _required("head_hash", LargeBinary()),
    # Nobody is shown a tenant from `erased_ticks` on. What came before change `erased_sequence` is gone for ever,
    # also where the tenant was added again since.
    Column("erased_ticks", BigInteger()),
    Column("erased_sequence", BigInteger()),
    PrimaryKeyConstraint("tenant_id", name="pk_tenants"),
)

changes = Table(
    "changes",
    metadata,
    _required("tenant_id", _text),
    _required("sequence", BigInteger()),
    _required("time_ticks", BigInteger()),
    _required("command_id", _text),
    _required("record", LargeBinary()),
    _required("hash", LargeBinary()),
    PrimaryKeyConstraint("tenant_id", "sequence", name="pk_changes"),
    UniqueConstraint("tenant_id", "command_id", name="uq_changes_command"),
    _tenant_key("changes"),
)

change_details = Table(
    "change_details",
    metadata,
    _required("tenant_id", _text),
    _required("sequence", BigInteger()),
    _required("salt", LargeBinary()),
    _required("detail", LargeBinary()),
    PrimaryKeyConstraint("tenant_id", "sequence", name="pk_change_details"),
    ForeignKeyConstraint(
        ["tenant_id", "sequence"],
        ["changes.tenant_id", "changes.sequence"],
        name="fk_change_details_changes",
        ondelete="RESTRICT",
    ),
)

tombstones = Table(
    "tombstones",
    metadata,
    _required("tenant_id", _text),
    _required("entity_set", _text),
    _required("id", _text),
    _required("version", BigInteger()),
    PrimaryKeyConstraint("tenant_id", "entity_set", "id", name="pk_tombstones"),
    _tenant_key("tombstones"),
    Index("ix_tombstones_version", "tenant_id", "entity_set", "version"),
)

# Who may see one provider only may learn that an entity is no longer that provider's, be it deleted or another's now.
# A row stays when the entity comes back: whoever reads it looks whether it did.
departures = Table(
    "departures",
    metadata,
    _required("tenant_id", _text),
    _required("entity_set", _text),
    _required("provider", _text),  # in lower case
    _required("id", _text),
    _required("version", BigInteger()),
    PrimaryKeyConstraint("tenant_id", "entity_set", "provider", "id", name="pk_departures"),
    _tenant_key("departures"),
    Index("ix_departures_version", "tenant_id", "entity_set", "provider", "version"),
)

# Scores after which later ones are packed, on SQLite; a body names its own, and the column of entities stays null.
dictionaries = Table(
    "dictionaries",
    metadata,
    _required("tenant_id", _text),
    _required("id", _text),
    _required("body", LargeBinary()),
    PrimaryKeyConstraint("tenant_id", "id", name="pk_dictionaries"),
    _tenant_key("dictionaries"),
)

ENTITY_TABLES = MappingProxyType({name: _entity_table(each) for name, each in ENTITY_SETS.items()})

meta = Table(
    "meta",
    metadata,
    _required("key", _text),
    _required("value", _text),
    PrimaryKeyConstraint("key", name="pk_meta"),
)

clients = Table(
    "clients",
    metadata,
    _required("client_id", _text),
    _required("tenant_id", _text),
    _required("name", _text),
    _required("permissions", _text),
    Column("provider", _text),
    _required("fleet", Integer()),
    _required("secrets", _text),
    _required("created_ticks", BigInteger()),
    Column("revoked_ticks", BigInteger()),
    Column("certificates", _text),
    Column("tokens_from_ticks", BigInteger()),
    PrimaryKeyConstraint("client_id", name="pk_clients"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    _required("kid", _text),
    _required("algorithm", _text),
    _required("public_jwk", _text),
    _required("sealed_private_key", LargeBinary()),
    _required("created_ticks", BigInteger()),
    Column("retired_ticks", BigInteger()),
    PrimaryKeyConstraint("kid", name="pk_signing_keys"),
)

# Identity providers besides our own; `audiences` and `tenant_ids` are JSON arrays.
issuers = Table(
    "issuers",
    metadata,
    _required("issuer_id", _text),
    _required("issuer", _text),
    _required("audiences", _text),
    _required("tenant_ids", _text),
    _required("fleet_home", Integer()),
    _required("keys_url", _text),
    _required("discovered", Integer()),
    _required("created_ticks", BigInteger()),
    Column("removed_ticks", BigInteger()),
    PrimaryKeyConstraint("issuer_id", name="pk_issuers"),
)

TENANT_OWNED = frozenset(
    table.name for table in metadata.tables.values() if next(iter(table.primary_key)).name == "tenant_id"
)
