"""What an operator does about issuers besides the built-in one: adds, lists and removes them.

- Where an issuer's keys are is found out when it is added, from its discovery document, a cloud's name or the
  operator, and is kept: a running server asks no other address. Without an answer it is not added.
- Whether the keys themselves can be had is tried too, and warned of: a server tries again when it needs them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stanchion.access.clouds import CLOUDS
from stanchion.access.directory import AdministeredStore, DirectorySource
from stanchion.access.discovery import DISCOVERY_PATH, discover
from stanchion.access.issuer_administration import AddIssuer, RemoveIssuer
from stanchion.access.issuer_document import Fetch, Fetcher, IssuerFault
from stanchion.access.issuer_entry import (
    IssuerEntry,
    check_entry,
    parse_audiences,
    parse_issuer,
    parse_keys_url,
    read_entry,
)
from stanchion.access.issuer_probe import probe
from stanchion.access.operator import new_id
from stanchion.access.tenants import parse_tenant_id
from stanchion.errors import BadRequest, NotFound, OperatorError
from stanchion.ledger.changes import Operator
from stanchion.model.wording import shown


@dataclass(frozen=True)
class IssuerWish:
    """What `issuer add` asks for."""

    issuer: str
    audiences: tuple[str, ...]
    tenants: tuple[str, ...]
    fleet_home: bool = False
    keys_url: str | None = None
    keys_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class AddedIssuer:
    """An issuer just added."""

    entry: IssuerEntry
    warnings: tuple[str, ...] = ()


async def add_issuer(
    store: AdministeredStore, wish: IssuerWish, *, actor: Operator, fetch: Fetch | None = None
) -> AddedIssuer:
    """Add an issuer; `fetch` is for tests.

    Raises BadRequest for what may not be, NotFound for an unknown tenant, Conflict where the issuer speaks for
    one of the tenants already, and OperatorError where its discovery cannot be used, saying why.
    """
    asking = fetch or Fetcher()
    issuer = parse_issuer(wish.issuer)
    audiences = parse_audiences(wish.audiences)
    tenant_ids = _parse_tenants(wish.tenants)
    keys_url, discovered = await _keys_url(issuer, wish, fetch=asking)
    entry = IssuerEntry(
        entry_id=new_id(),
        issuer=issuer,
        audiences=audiences,
        tenant_ids=tenant_ids,
        fleet_home=wish.fleet_home,
        keys_url=parse_keys_url(keys_url, issuer=issuer, hosts=wish.keys_hosts),
        discovered=discovered,
        created_ticks=0,
    )
    added = store.run(AddIssuer(entry=entry, actor=actor, command_id=new_id()))
    fault = (await probe(added, fetch=asking)).fault
    return AddedIssuer(
        added, () if fault is None else (f"It was added, but: {fault} It is asked again when a token comes.",)
    )


def list_issuers(store: DirectorySource) -> list[IssuerEntry]:
    """Return the issuers that are trusted, the oldest first."""
    return [entry for entry in map(read_entry, store.issuers()) if not entry.removed]


def remove_issuer(store: AdministeredStore, text: str, *, actor: Operator) -> IssuerEntry:
    """Remove an issuer by the id of its entry, or by its name or address where only one entry has it.

    Raises NotFound where there is none, BadRequest where several have the name.
    """
    entries = list_issuers(store)
    found = [entry for entry in entries if text.lower() == entry.entry_id] or [
        entry for entry in entries if text == entry.issuer or text.lower() == entry.issuer in CLOUDS
    ]
    if not found:
        raise NotFound(
            f"There is no issuer {shown(text)}; `stanchion issuer list` names them.", target="issuer"
        )
    if len(found) > 1:
        ids = ", ".join(entry.entry_id for entry in found)
        raise BadRequest(
            f"{shown(text)} was added several times; name one by its id: {ids}.", target="issuer"
        )
    return store.run(RemoveIssuer(entry_id=found[0].entry_id, actor=actor, command_id=new_id()))


def check_issuers(store: DirectorySource) -> None:
    """Raise OperatorError for an issuer in the store that may not be used, as before serving."""
    for entry in list_issuers(store):
        check_entry(entry)


def _parse_tenants(tenants: Iterable[str]) -> tuple[str, ...]:
    parsed = tuple(dict.fromkeys(map(parse_tenant_id, tenants)))
    if not parsed:
        raise BadRequest(
            "An issuer speaks for the tenants it is added with: name one at least.", target="tenant"
        )
    return parsed


async def _keys_url(issuer: str, wish: IssuerWish, *, fetch: Fetch) -> tuple[str, bool]:
    """Return where the keys are, and whether the issuer's discovery document said so."""
    if wish.keys_url is not None:
        return wish.keys_url, False
    if issuer in CLOUDS:
        return CLOUDS[issuer].keys_url, False
    try:
        return await discover(issuer, fetch=fetch), True
    except IssuerFault as fault:
        raise OperatorError(f"{fault} An issuer without {DISCOVERY_PATH} is added with --keys-url.") from None
