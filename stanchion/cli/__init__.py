"""The command line, `stanchion`. Each command lives in a module of its own and is imported when it is called."""

from stanchion.cli.group import main

__all__ = ["main"]
