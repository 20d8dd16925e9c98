"""Issuers besides our own."""

from typing import TypeVar

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "issuers",
        _required("issuer_id", _TEXT),
        _required("issuer", _TEXT),
        _required("audiences", _TEXT),
        _required("tenant_ids", _TEXT),
        _required("fleet_home", sa.Integer()),
        _required("keys_url", _TEXT),
        _required("discovered", sa.Integer()),
        _required("created_ticks", sa.BigInteger()),
        sa.Column("removed_ticks", sa.BigInteger()),
        sa.PrimaryKeyConstraint("issuer_id", name="pk_issuers"),
    )


def _required(name: str, kind: TypeEngine[T]) -> sa.Column[T]:
    return sa.Column(name, kind, nullable=False)
