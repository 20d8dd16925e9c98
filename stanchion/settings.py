"""Every setting in one table: name, type, default and a sentence; options, environment and docs derive from it.

A setting `name` is the option `--name` and the variable `STANCHION_NAME`; an option wins over the variable.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, cast

import msgspec
from msgspec import inspect

from stanchion.logs import LogFormat, LogLevel


def about(text: str) -> msgspec.Meta:
    """Describe a setting in one sentence."""
    return msgspec.Meta(description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can choose."""

    database: Annotated[
        str,
        about("Where everything is kept: sqlite:///path; `migrate` knows postgresql://user@host/name too."),
    ] = "sqlite:///stanchion.db"
    host: Annotated[str, about("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, about("Port to listen on.")] = 8080
    workers: Annotated[int, about("Serving processes; SQLite allows one.")] = 1
    tls_certificate: Annotated[str | None, about("Certificate chain in PEM; with it, https is served.")] = (
        None
    )
    tls_key: Annotated[str | None, about("Private key of the certificate in PEM.")] = None
    public_url: Annotated[
        tuple[str, ...],
        about(
            "Address under which clients reach the server, such as https://posture.example.com; repeatable."
        ),
    ] = ()
    trusted_proxy: Annotated[
        tuple[str, ...],
        about("Address or network of a proxy whose X-Forwarded-* headers count; repeatable."),
    ] = ()
    key_file: Annotated[
        str | None,
        about("File with the key that seals signing keys; made beside a SQLite database when absent."),
    ] = None
    log_level: Annotated[LogLevel, about("Least severe events that are logged.")] = "info"
    log_format: Annotated[LogFormat, about("Form of the logs: auto is human on a terminal, else json.")] = (
        "auto"
    )
    max_body_bytes: Annotated[int, about("Largest request body.")] = 4 * 1024 * 1024
    max_import_bytes: Annotated[int, about("Largest file to import.")] = 256 * 1024 * 1024
    max_page_bytes: Annotated[int, about("Largest page of a list; it ends there, with a next link.")] = (
        16 * 1024 * 1024
    )
    max_header_bytes: Annotated[int, about("Largest sum of request headers.")] = 32 * 1024
    max_url_bytes: Annotated[int, about("Longest path and query.")] = 8 * 1024
    request_timeout_seconds: Annotated[int, about("Longest time that a request body may take to arrive.")] = (
        60
    )


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    name: str
    sentence: str
    default: object
    repeatable: bool
    is_number: bool
    choices: tuple[str, ...]

    @property
    def option(self) -> str:
        """The command line's name for it."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment's name for it."""
        return "STANCHION_" + self.name.upper()


def _setting(field: inspect.Field) -> Setting:
    metadata = cast("inspect.Metadata", field.type)
    kind = metadata.type
    schema = cast("dict[str, str]", metadata.extra_json_schema)
    choices = tuple(str(v) for v in kind.values) if isinstance(kind, inspect.LiteralType) else ()
    return Setting(
        name=field.name,
        sentence=schema["description"],
        default=field.default,
        repeatable=isinstance(kind, inspect.VarTupleType),
        is_number=isinstance(kind, inspect.IntType),
        choices=choices,
    )


SETTINGS = MappingProxyType(
    {f.name: _setting(f) for f in cast("inspect.StructType", inspect.type_info(Settings)).fields}
)
