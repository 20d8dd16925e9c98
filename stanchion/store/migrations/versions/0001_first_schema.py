"""The first schema. It is written out, not derived, so that it stays as it was when the models move on."""

from typing import TypeAlias, TypeVar

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

T = TypeVar("T")
_AnyColumn: TypeAlias = sa.Column[str] | sa.Column[int] | sa.Column[bool] | sa.Column[float]

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_BODY = sa.LargeBinary().with_variant(sa.Text(collation="C"), "postgresql")
_TICKS = sa.BigInteger()


def upgrade() -> None:
    _create_store_tables()
    _create_tenants_and_changes()
    _create_entities(
        "secure_scores",
        sa.Column("active_user_count", sa.Integer()),
        sa.Column("created_date_time", _TICKS),
        sa.Column("current_score", sa.Double()),
        sa.Column("licensed_user_count", sa.Integer()),
        sa.Column("max_score", sa.Double()),
        sa.Column("vendor_information_provider", _TEXT),
        sa.Column("vendor_information_vendor", _TEXT),
    )
    op.create_index("ix_secure_scores_created", "secure_scores", ["tenant_id", "created_date_time"])
    _create_entities(
        "secure_score_control_profiles",
        sa.Column("action_type", _TEXT),
        sa.Column("control_category", _TEXT),
        sa.Column("deprecated", sa.Boolean()),
        sa.Column("implementation_cost", _TEXT),
        sa.Column("last_modified_date_time", _TICKS),
        sa.Column("max_score", sa.Double()),
        sa.Column("rank", sa.Integer()),
        sa.Column("service", _TEXT),
        sa.Column("tier", _TEXT),
        sa.Column("title", _TEXT),
        sa.Column("user_impact", _TEXT),
        sa.Column("vendor_information_provider", _TEXT),
        sa.Column("vendor_information_vendor", _TEXT),
    )
    _create_entities(
        "user_security_profiles",
        sa.Column("created_date_time", _TICKS),
        sa.Column("display_name", _TEXT),
        sa.Column("last_modified_date_time", _TICKS),
        sa.Column("risk_score", _TEXT),
        sa.Column("user_principal_name", _TEXT),
        sa.Column("vendor_information_provider", _TEXT),
        sa.Column("vendor_information_vendor", _TEXT),
    )
    _create_entities(
        "decisions",
        sa.Column("control_id", _TEXT),
        sa.Column("expires_date_time", _TICKS),
        sa.Column("updated_date_time", _TICKS),
    )
    standing = ["updated_date_time", "version", "id"]
    op.create_index("ix_decisions_control", "decisions", ["tenant_id", "control_id", *standing])


def _create_store_tables() -> None:
    op.create_table(
        "meta",
        _required("key", _TEXT),
        _required("value", _TEXT),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.create_table(
        "clients",
        _required("client_id", _TEXT),
        _required("tenant_id", _TEXT),
        _required("name", _TEXT),
        _required("permissions", _TEXT),
        sa.Column("provider", _TEXT),
        _required("fleet", sa.Integer()),
        _required("secrets", _TEXT),
        _required("created_ticks", _TICKS),
        sa.Column("revoked_ticks", _TICKS),
        sa.PrimaryKeyConstraint("client_id", name="pk_clients"),
    )
    op.create_table(
        "signing_keys",
        _required("kid", _TEXT),
        _required("algorithm", _TEXT),
        _required("public_jwk", _TEXT),
        _required("sealed_private_key", sa.LargeBinary()),
        _required("created_ticks", _TICKS),
        sa.Column("retired_ticks", _TICKS),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )


def _create_tenants_and_changes() -> None:
    op.create_table(
        "tenants",
        _required("tenant_id", _TEXT),
        _required("name", _TEXT),
        _required("created_ticks", _TICKS),
        _required("sequence", sa.BigInteger()),
        _required("head_hash", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_tenants"),
    )
    op.create_table(
        "changes",
        _required("tenant_id", _TEXT),
        _required("sequence", sa.BigInteger()),
        _required("time_ticks", _TICKS),
        _required("command_id", _TEXT),
        _required("record", sa.LargeBinary()),
        _required("hash", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("tenant_id", "sequence", name="pk_changes"),
        sa.UniqueConstraint("tenant_id", "command_id", name="uq_changes_command"),
        _belongs_to_a_tenant("changes"),
    )
    op.create_table(
        "change_details",
        _required("tenant_id", _TEXT),
        _required("sequence", sa.BigInteger()),
        _required("salt", sa.LargeBinary()),
        _required("detail", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("tenant_id", "sequence", name="pk_change_details"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sequence"],
            ["changes.tenant_id", "changes.sequence"],
            name="fk_change_details_changes",
            ondelete="RESTRICT",
        ),
    )
    op.create_table(
        "tombstones",
        _required("tenant_id", _TEXT),
        _required("entity_set", _TEXT),
        _required("id", _TEXT),
        _required("version", sa.BigInteger()),
        sa.Column("provider", _TEXT),
        sa.PrimaryKeyConstraint("tenant_id", "entity_set", "id", name="pk_tombstones"),
        _belongs_to_a_tenant("tombstones"),
    )
    op.create_index("ix_tombstones_version", "tombstones", ["tenant_id", "entity_set", "version"])
    op.create_table(
        "dictionaries",
        _required("tenant_id", _TEXT),
        _required("id", _TEXT),
        _required("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_dictionaries"),
        _belongs_to_a_tenant("dictionaries"),
    )


def _create_entities(table: str, *columns: _AnyColumn) -> None:
    op.create_table(
        table,
        _required("tenant_id", _TEXT),
        _required("id", _TEXT),
        _required("version", sa.BigInteger()),
        sa.Column("dictionary", _TEXT),
        *columns,
        _required("body", _BODY),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{table}"),
        _belongs_to_a_tenant(table),
    )
    op.create_index(f"ix_{table}_version", table, ["tenant_id", "version"])


def _belongs_to_a_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenants.tenant_id"], name=f"fk_{table}_tenants", ondelete="RESTRICT"
    )


def _required(name: str, kind: TypeEngine[T]) -> sa.Column[T]:
    return sa.Column(name, kind, nullable=False)
