"""A whole store taken to another place: backups, restores, copies from one database to another."""
