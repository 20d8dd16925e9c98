"""The command `stanchion` and the table of its commands.

Exit status: 0 done, 1 refused or failed with one line on stderr, 2 usage.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType

import click

from stanchion import __version__
from stanchion.cli.listing import Listing
from stanchion.errors import StanchionError

# Command to module and function: a command is imported when it is called, for a quick start.
_COMMANDS = MappingProxyType(
    {
        "demo": "stanchion.cli.demo:demo",
        "serve": "stanchion.cli.serve:serve",
        "tenant": "stanchion.cli.tenants:tenant",
        "app": "stanchion.cli.apps:app",
        "issuer": "stanchion.cli.issuers:issuer",
        "token": "stanchion.cli.tokens:token",
        "key": "stanchion.cli.tokens:key",
        "import": "stanchion.cli.imports:import_",
        "export": "stanchion.cli.data:export",
        "verify": "stanchion.cli.data:verify",
        "fleet": "stanchion.cli.fleet:fleet",
        "backup": "stanchion.cli.backup:backup",
        "restore": "stanchion.cli.restore:restore",
        "copy": "stanchion.cli.copy:copy",
        "retention": "stanchion.cli.retention:retention",
        "migrate": "stanchion.cli.migrate:migrate",
        "check": "stanchion.cli.check:check",
        "settings": "stanchion.cli.settings:settings",
        "certificate": "stanchion.cli.certificate:certificate",
    }
)


class Commands(Listing):
    """A group that imports a command when it is asked for, and tells of failures in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Name the commands in the order in which a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's)
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        with _without_collection():
            command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 (the table above is ours)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a refusal becomes one line on stderr and exit status 1."""
        try:
            return super().invoke(ctx)
        except StanchionError as error:
            raise Refused(error.message) from None


@contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no garbage within the block: what is imported is none, and to look takes a seventh of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Refused(click.ClickException):
    """A refusal as click shows it."""

    def format_message(self) -> str:
        """Return the message on one line."""
        return " ".join(self.message.split())


class WrongSetting(Refused):
    """A variable or a settings file that says what no setting may be: exit status 2, as for an option."""

    exit_code = 2


@click.command(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="stanchion")
def main() -> None:
    """Stanchion, the open, self-hosted Secure Score ledger with Microsoft Graph's security API."""
