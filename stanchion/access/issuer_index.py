"""The issuers besides our own as tokens ask for them: by the `iss` and the tenant that a token names.

An entry that may not be used, such as one of a newer Stanchion, is left out and told of in the log.
"""

import logging
from collections.abc import Iterable

from stanchion.access.issuer_entry import IssuerEntry, check_entry, read_entry
from stanchion.errors import OperatorError
from stanchion.store import IssuerRow

_log = logging.getLogger(__name__)


class IssuerIndex:
    """Which entry speaks for which tenant under which `iss`."""

    def __init__(self, rows: Iterable[IssuerRow] = ()) -> None:
        entries = [entry for entry in map(read_entry, rows) if not entry.removed and _is_usable(entry)]
        self.entry_ids = frozenset(entry.entry_id for entry in entries)
        self._entries: dict[str, dict[str, IssuerEntry]] = {}
        for entry in entries:
            for tenant_id in entry.tenant_ids:
                for issuer in entry.issuers(tenant_id):
                    self._entries.setdefault(issuer, {})[tenant_id] = entry

    def __bool__(self) -> bool:
        return bool(self._entries)

    def __contains__(self, issuer: object) -> bool:
        return isinstance(issuer, str) and issuer in self._entries

    def entry(self, issuer: str, tenant_id: str) -> IssuerEntry | None:
        """Return the entry that speaks for a tenant under an `iss`, or None."""
        return self._entries.get(issuer, {}).get(tenant_id)


def _is_usable(entry: IssuerEntry) -> bool:
    try:
        check_entry(entry)
    except OperatorError as error:
        _log.error("The issuer %s is not used. %s", entry.issuer, error.message)
        return False
    return True
