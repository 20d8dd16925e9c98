"""The store on PostgreSQL: the same store code as on SQLite, which waits for asyncpg in a greenlet."""
