"""Every setting in one table: name, kind, default and a sentence; options, environment, file and docs derive from it.

- A setting `name` is the option `--name`, the variable `STANCHION_NAME` and `name` in `stanchion.toml`; where more
  than one of them is given, the first of these counts.
- A value is judged by the table alone, wherever it was written.
"""

import datetime as dt
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias, TypedDict, cast

import msgspec
from msgspec import inspect

from stanchion.logs import LogFormat, LogLevel

SettingValue: TypeAlias = str | int | tuple[str, ...] | None
Throttling: TypeAlias = Literal["none", "graph"]
Holds: TypeAlias = Literal["text", "path", "url", "secret"]

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,40}", re.ASCII)
# Up to the last @, because a password may hold one that nobody escaped.
_PASSWORD = re.compile(r"(?<=://)([^/?#@:]*:).*@", re.DOTALL)
_PASSWORD_IN_QUERY = re.compile(r"([?&]\w*pass\w*=)[^&#]*", re.IGNORECASE)
HIDDEN = "***"
_SHOWN_CHARACTERS = 80
# Beyond any number that a setting takes; Python writes no longer ones than some 14,000 bits.
_SHOWN_BITS = 256
# A request, an answer and an entity are each held in memory as a whole.
_MOST_IN_MEMORY = 1024**3


class Facts(TypedDict):
    """What the table says of a setting beyond its type."""

    holds: Holds
    example: str | None


def about(
    sentence: str,
    *,
    least: int | None = None,
    most: int | None = None,
    holds: Holds = "text",
    example: str | None = None,
) -> msgspec.Meta:
    """Describe a setting: what it is in a sentence, its bounds, and what its text is."""
    facts = Facts(holds=holds, example=example)
    return msgspec.Meta(description=sentence, ge=least, le=most, extra=dict(facts))


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can choose."""

    database: Annotated[
        str,
        about(
            "Where everything is kept: sqlite:///path or postgresql://user@host/name.",
            holds="url",
        ),
    ] = "sqlite:///stanchion.db"
    database_connections: Annotated[
        int,
        about("Most connections of a serving process to PostgreSQL; half of them write.", least=2, most=1000),
    ] = 10
    host: Annotated[str, about("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, about("Port to listen on.", least=1, most=65535)] = 8080
    workers: Annotated[
        int, about("Serving processes; SQLite allows one, PostgreSQL any number.", least=1, most=1024)
    ] = 1
    operations: Annotated[
        str | None,
        about(
            "Address and port of /metrics, such as 127.0.0.1:9464, where no caller of the API reaches it.",
            example="127.0.0.1:9464",
        ),
    ] = None
    tls_certificate: Annotated[
        str | None, about("Certificate chain in PEM; with it, https is served.", holds="path")
    ] = None
    tls_key: Annotated[str | None, about("Private key of the certificate in PEM.", holds="path")] = None
    public_url: Annotated[
        tuple[str, ...],
        about(
            "Address under which clients reach the server, such as https://posture.example.com; repeatable.",
            example="https://posture.example.com",
        ),
    ] = ()
    trusted_proxy: Annotated[
        tuple[str, ...],
        about(
            "Address or network of a proxy whose X-Forwarded-* headers count; repeatable.", example="10.0.0.5"
        ),
    ] = ()
    cors_origin: Annotated[
        tuple[str, ...],
        about(
            "Origin whose pages browsers let call the API, such as https://app.example.com, or *; repeatable.",
            example="https://app.example.com",
        ),
    ] = ()
    key_file: Annotated[
        str | None,
        about(
            "File with the key that seals signing keys, made when absent; by default beside a SQLite database, or "
            "stanchion.key.",
            holds="path",
        ),
    ] = None
    log_level: Annotated[LogLevel, about("Least severe events that are logged.")] = "info"
    log_format: Annotated[LogFormat, about("Form of the logs: auto is human on a terminal, else json.")] = (
        "auto"
    )
    retention_days: Annotated[
        int,
        about(
            "Days for which scores are kept, by their createdDateTime; 0 keeps them for ever.",
            least=0,
            most=36_500,
        ),
    ] = 0
    max_body_bytes: Annotated[int, about("Largest request body.", least=1, most=_MOST_IN_MEMORY)] = (
        4 * 1024 * 1024
    )
    max_import_bytes: Annotated[int, about("Largest file to import.", least=1, most=1024**4)] = (
        256 * 1024 * 1024
    )
    max_page_bytes: Annotated[
        int,
        about("Largest page of a list; it ends there, with a next link.", least=1, most=_MOST_IN_MEMORY),
    ] = 16 * 1024 * 1024
    max_header_bytes: Annotated[
        # Granian gives a request's head some 400 KiB in all.
        int,
        about("Largest sum of request headers.", least=1, most=256 * 1024),
    ] = 32 * 1024
    max_url_bytes: Annotated[
        # The HTTP library knows none longer.
        int,
        about("Longest path and query.", least=1, most=65_534),
    ] = 8 * 1024
    request_timeout_seconds: Annotated[
        int,
        about(
            "Longest time that a body may take to arrive, and that a reader may take for a piece of an answer.",
            least=1,
            most=3600,
        ),
    ] = 60
    statement_timeout_seconds: Annotated[
        int, about("Longest time that a query of a list may wait and run; then 503.", least=1, most=3600)
    ] = 5
    keep_alive_seconds: Annotated[
        # Longer than the 60 s after which common load balancers close an idle connection: the client, not the
        # server, is to find it closed.
        int,
        about("Longest time that an idle connection is kept.", least=1, most=3600),
    ] = 75
    throttle: Annotated[
        Throttling, about("Limits on requests: graph answers 429 from Graph's own limits on, to try clients.")
    ] = "none"


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    name: str
    sentence: str
    default: SettingValue
    repeatable: bool = False
    is_number: bool = False
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    holds: Holds = "text"
    example: str | None = None

    @property
    def option(self) -> str:
        """The command line's name for it."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment's name for it."""
        return "STANCHION_" + self.name.upper()

    @property
    def allowed(self) -> str:
        """What a single value must be."""
        if self.choices:
            return f"one of {', '.join(sorted(self.choices))}"
        if not self.is_number:
            return "a text of printable characters"
        return f"a whole number from {self.least} to {self.most}"

    def of_text(self, text: str) -> SettingValue:
        """Return the value that a text stands for, one of several where it is repeatable.

        Raises ValueError saying what is allowed.
        """
        if self.is_number:
            return self._checked(int(text) if _WHOLE_NUMBER.fullmatch(text) else text)
        return self._checked(text)

    def of_toml(self, value: object) -> SettingValue:
        """Return a value as it stands in a file of TOML; raises ValueError saying what is allowed."""
        if self.is_number and isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
            raise ValueError(f"{self._told(value)} is not {self.allowed} while it stands in quotes.")
        if not self.repeatable:
            return self._checked(value)
        if not isinstance(value, list) or not all(map(_is_printable, value)):
            raise ValueError(f'{self._told(value)} is not a list of texts, such as ["{self.example}"].')
        return tuple(cast("list[str]", value))

    def shown(self, value: SettingValue) -> SettingValue:
        """Return a value for people to see, without the passwords of URLs."""
        match self.holds, value:
            case "secret", str() | tuple():
                return HIDDEN
            case _, str():
                return without_password(value)
            case _, tuple():
                return tuple(map(without_password, value))
            case _:
                return value

    def _checked(self, value: object) -> str | int:
        match value:
            case str() if not self.is_number and self._takes(value):
                return value
            case int() if self.is_number and not isinstance(value, bool) and self._within(value):
                return value
            case _:
                raise ValueError(f"{self._told(value)} is not {self.allowed}.")

    def _takes(self, text: str) -> bool:
        return text in self.choices if self.choices else _is_printable(text)

    def _within(self, number: int) -> bool:
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)

    def _told(self, value: object) -> str:
        text = HIDDEN if self.holds == "secret" else without_password(_in_toml(value))
        return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def without_password(text: str) -> str:
    """Return the text of a URL with the passwords in it hidden; any other text as it is."""
    return _PASSWORD_IN_QUERY.sub(rf"\1{HIDDEN}", _PASSWORD.sub(rf"\1{HIDDEN}@", text))


def _is_printable(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


def _in_toml(value: object) -> str:
    """Return a value much as a file of TOML has it."""
    match value:
        case bool():
            return str(value).lower()
        case int() if value.bit_length() > _SHOWN_BITS:
            return f"a number of {value.bit_length():,} bits"
        case list():
            return f"[{', '.join(map(_in_toml, value))}]"
        case dict():
            return "a table"
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return repr(value)


def _setting(field: inspect.Field) -> Setting:
    metadata = cast("inspect.Metadata", field.type)
    kind = metadata.type
    sentence = cast("dict[str, str]", metadata.extra_json_schema)["description"]
    number = kind if isinstance(kind, inspect.IntType) else inspect.IntType()
    facts = cast("Facts", metadata.extra)
    return Setting(
        name=field.name,
        sentence=sentence,
        default=field.default,
        repeatable=isinstance(kind, inspect.VarTupleType),
        is_number=isinstance(kind, inspect.IntType),
        least=number.ge,
        most=number.le,
        choices=tuple(map(str, kind.values)) if isinstance(kind, inspect.LiteralType) else (),
        holds=facts["holds"],
        example=facts["example"],
    )


SETTINGS = MappingProxyType(
    {f.name: _setting(f) for f in cast("inspect.StructType", inspect.type_info(Settings)).fields}
)
