"""An issuer entry: whose tokens are trusted besides our own, for whom, for which audience, and by which keys.

- It speaks for the tenants that it lists and for no others. It is never altered: removed, and added anew.
- The issuer is a cloud of Entra by its name, or the address of an OpenID Connect issuer (https).
- There is one address of keys, on the issuer's own host or a host that the operator listed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from stanchion.access.clouds import CLOUDS, Cloud, TokenVersion, is_entra_host, is_graph_audience
from stanchion.access.web_address import authority, parse_web_address
from stanchion.errors import BadRequest, OperatorError
from stanchion.ledger.working_set import Row
from stanchion.model.wording import did_you_mean, shown
from stanchion.store import IssuerRow

MAX_AUDIENCE_CHARACTERS = 256


@dataclass(frozen=True)
class IssuerEntry:
    """One issuer that an operator added; `issuer` is the name of a cloud or the exact `iss` of its tokens."""

    entry_id: str
    issuer: str
    audiences: tuple[str, ...]
    tenant_ids: tuple[str, ...]
    fleet_home: bool  # whether Ledger.Fleet permissions count in its tokens
    keys_url: str
    discovered: bool  # whether its discovery document named the address of the keys
    created_ticks: int
    removed_ticks: int | None = None

    @property
    def cloud(self) -> Cloud | None:
        """The cloud of Entra that it is, or None."""
        return CLOUDS.get(self.issuer)

    def issuers(self, tenant_id: str) -> Mapping[str, TokenVersion | None]:
        """Return each `iss` under which it speaks for a tenant and, of Entra's, the version of such tokens."""
        return self.cloud.issuers(tenant_id) if self.cloud is not None else {self.issuer: None}

    @property
    def removed(self) -> bool:
        """Whether it speaks for nobody any more."""
        return self.removed_ticks is not None


def read_entry(row: IssuerRow) -> IssuerEntry:
    """Return the entry of a row."""
    return IssuerEntry(
        entry_id=row.issuer_id,
        issuer=row.issuer,
        audiences=msgspec.json.decode(row.audiences, type=tuple[str, ...]),
        tenant_ids=msgspec.json.decode(row.tenant_ids, type=tuple[str, ...]),
        fleet_home=bool(row.fleet_home),
        keys_url=row.keys_url,
        discovered=bool(row.discovered),
        created_ticks=row.created_ticks,
        removed_ticks=row.removed_ticks,
    )


def entry_of(row: Row) -> IssuerEntry:
    """Return the entry of a row as commands see it."""
    # SQLAlchemy's column names are a subclass of str, which msgspec does not take for one.
    return read_entry(msgspec.convert({str(name): value for name, value in row.items()}, type=IssuerRow))


def entry_row(entry: IssuerEntry) -> Row:
    """Return the row of an entry."""
    return {
        "issuer_id": entry.entry_id,
        "issuer": entry.issuer,
        "audiences": msgspec.json.encode(entry.audiences).decode(),
        "tenant_ids": msgspec.json.encode(entry.tenant_ids).decode(),
        "fleet_home": int(entry.fleet_home),
        "keys_url": entry.keys_url,
        "discovered": int(entry.discovered),
        "created_ticks": entry.created_ticks,
        "removed_ticks": entry.removed_ticks,
    }


def parse_issuer(text: str) -> str:
    """Return the name of a cloud in lower case, or the address of an issuer as it is; raises BadRequest."""
    if text.lower() in CLOUDS:
        return text.lower()
    if "://" not in text:
        raise BadRequest(
            f"{shown(text)} is no issuer.{did_you_mean(text.lower(), CLOUDS)} "
            f"Known by name: {', '.join(CLOUDS)}; any other is named by its https address.",
            target="issuer",
        )
    address = parse_web_address(text, of="issuer")
    if "?" in text:
        raise BadRequest(f"The issuer {shown(text)} must have no query.", target="issuer")
    if is_entra_host(address.hostname or ""):
        # As any issuer's, its delegated tokens would need no directory role.
        raise BadRequest(
            f"{shown(text)} is Entra's; add it by the name of its cloud: {', '.join(CLOUDS)}.",
            target="issuer",
        )
    return text


def parse_audiences(audiences: Iterable[str]) -> tuple[str, ...]:
    """Return the audiences, each once; raises BadRequest for none, and for Graph's own."""
    parsed = tuple(dict.fromkeys(audience.strip() for audience in audiences))
    for audience in parsed:
        if not 0 < len(audience) <= MAX_AUDIENCE_CHARACTERS or not audience.isprintable():
            raise BadRequest(
                f"An audience must be 1 to {MAX_AUDIENCE_CHARACTERS} printable characters.", target="audience"
            )
        if is_graph_audience(audience):
            raise BadRequest(_graph_audience(audience), target="audience")
    if not parsed:
        raise BadRequest("An issuer needs an audience: what its tokens name us by.", target="audience")
    return parsed


def parse_keys_url(text: str, *, issuer: str, hosts: Iterable[str] = ()) -> str:
    """Return an address of keys that is on the issuer's own host or a listed one; raises BadRequest."""
    address = parse_web_address(text, of="address of the keys")
    cloud = CLOUDS.get(issuer)
    own = cloud.login_hosts if cloud is not None else (authority(parse_web_address(issuer, of="issuer")),)
    if authority(address) not in {*own, *map(_parse_keys_host, hosts)}:
        raise BadRequest(
            f"The keys would come from {shown(authority(address))}, which is not the issuer's host "
            f"({', '.join(own)}); name it with --keys-host if it is to be trusted.",
            target="keys-url",
        )
    return text


def check_entry(entry: IssuerEntry) -> None:
    """Raise OperatorError for an entry that may not be used, however it came into the store."""
    remedy = f"Remove it: `stanchion issuer remove {entry.entry_id}`."
    for audience in entry.audiences:
        if is_graph_audience(audience):
            raise OperatorError(f"{_graph_audience(audience)} {remedy}")
    try:
        parse_issuer(entry.issuer)
        parse_web_address(entry.keys_url, of="address of the keys")
    except BadRequest as error:
        raise OperatorError(f"{error.message} {remedy}") from None


def _parse_keys_host(text: str) -> str:
    try:
        address = parse_web_address(f"https://{text.lower()}", of="host of keys")
    except BadRequest:
        address = None
    if address is None or address.path or address.query:
        raise BadRequest(
            f"{shown(text)} is no host of keys: a host, or host:port, is expected.", target="keys-host"
        )
    return authority(address)


def _graph_audience(audience: str) -> str:
    return (
        f"The audience {shown(audience)} is Microsoft Graph's own, whose tokens only Graph can validate; "
        "register an API of your own and name its audience."
    )
