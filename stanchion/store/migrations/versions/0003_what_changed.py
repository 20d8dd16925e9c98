"""What changed, for those who follow it: entities by version and id, and who lost sight of which.

And controls by category and score, by which consoles filter. What left its provider before needs no row: nobody
has a link from before to follow.
"""

from typing import TypeVar

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_FOLLOWED = ("secure_scores", "secure_score_control_profiles", "user_security_profiles")


def upgrade() -> None:
    for table in _FOLLOWED:
        op.drop_index(f"ix_{table}_version", table)
        op.create_index(f"ix_{table}_version", table, ["tenant_id", "version", "id"])
    category = ["tenant_id", "control_category", "max_score"]
    op.create_index("ix_secure_score_control_profiles_category", "secure_score_control_profiles", category)
    op.create_table(
        "departures",
        _required("tenant_id", _TEXT),
        _required("entity_set", _TEXT),
        _required("provider", _TEXT),
        _required("id", _TEXT),
        _required("version", sa.BigInteger()),
        sa.PrimaryKeyConstraint("tenant_id", "entity_set", "provider", "id", name="pk_departures"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_departures_tenants", ondelete="RESTRICT"
        ),
    )
    op.create_index("ix_departures_version", "departures", ["tenant_id", "entity_set", "provider", "version"])
    # Tombstones named it, and nothing asked for it.
    op.drop_column("tombstones", "provider")


def _required(name: str, kind: TypeEngine[T]) -> sa.Column[T]:
    return sa.Column(name, kind, nullable=False)
