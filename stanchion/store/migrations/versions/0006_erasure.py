"""Since when a tenant is erased, and which change says so.

No row is touched but on SQLite, where the small table of tenants is made anew. To go back to the release before,
restore the backup that was taken before the upgrade.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # On SQLite made anew, so that the columns stand before the constraints, as in a table that was made whole.
    with op.batch_alter_table("tenants", recreate="auto" if _on_postgresql() else "always") as tenants:
        tenants.add_column(sa.Column("erased_ticks", sa.BigInteger()))
        tenants.add_column(sa.Column("erased_sequence", sa.BigInteger()))


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
