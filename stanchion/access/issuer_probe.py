"""A probe of an issuer: whether it answers now, from here, and with keys that can be used.

It asks what the server would ask and keeps nothing.
"""

from dataclasses import dataclass

from stanchion.access.discovery import discover
from stanchion.access.issuer_document import Fetch, IssuerFault
from stanchion.access.issuer_entry import IssuerEntry
from stanchion.access.key_set import read_key_set
from stanchion.model.wording import shown


@dataclass(frozen=True)
class ProbeResult:
    """What came of a probe: `fault` is None where all is well, else one sentence on what is wrong and where."""

    keys: int  # how many keys could be used; 0 where none could be had
    fault: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the issuer answers, and with keys."""
        return self.fault is None


async def probe(entry: IssuerEntry, *, fetch: Fetch) -> ProbeResult:
    """Ask an issuer for its keys and, where it named their address itself, for its discovery document.

    It takes some 10 seconds at most and raises nothing: what is wrong is in the result.
    """
    try:
        keys = len(read_key_set(await fetch(entry.keys_url), of=entry.keys_url))
        return ProbeResult(keys, await _discovery_fault(entry, fetch))
    except IssuerFault as fault:
        return ProbeResult(0, str(fault))


async def _discovery_fault(entry: IssuerEntry, fetch: Fetch) -> str | None:
    if not entry.discovered:
        return None
    try:
        keys_url = await discover(entry.issuer, fetch=fetch)
    except IssuerFault as fault:
        return str(fault)
    if keys_url != entry.keys_url:
        return (
            f"{entry.issuer} names {shown(keys_url)} for its keys now, and {entry.keys_url} is used; if that is "
            "right, remove the issuer and add it anew."
        )
    return None
