"""What else an application proves itself by, and from when its tokens count."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    # Made anew, so that the columns stand before the constraints, as in a table that was made whole.
    with op.batch_alter_table("clients", recreate="always") as clients:
        clients.add_column(sa.Column("certificates", _TEXT))
        clients.add_column(sa.Column("tokens_from_ticks", sa.BigInteger()))
