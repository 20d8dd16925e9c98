"""A group of commands whose help has the whole first sentence of each, where click itself cuts sentences off."""

import click

# Longer than any first sentence.
_SENTENCE_CHARACTERS = 400


class Listing(click.Group):
    """A group that lists its commands in whole sentences."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with what it does."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._sentence(ctx, name)) for name in self.list_commands(ctx)])

    def _sentence(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return "" if command is None else command.get_short_help_str(limit=_SENTENCE_CHARACTERS)
