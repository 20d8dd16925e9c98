"""Alembic's entry: runs the revisions over the connection that the caller opened."""

from alembic import context
from sqlalchemy import Connection

from stanchion.store.tables import metadata

_connection = context.config.attributes["connection"]
if not isinstance(_connection, Connection):
    raise TypeError("Migrations run in process, over an open connection: see stanchion.store.revisions.")
context.configure(connection=_connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
