"""The keys of the issuers besides our own, as they are held while the server runs: each entry's apart.

- A set is fetched when it is first needed, again behind a request when it is an hour old, and when a token names
  an id that it has not; at most once a minute, and once for all who wait.
- While an issuer is down its last good set counts for 24 hours. Without one its tokens cannot be judged: 503.
"""

import asyncio
import logging
from collections.abc import Callable

from stanchion.access.directory import Directory
from stanchion.access.issuer_document import Fetch, IssuerFault
from stanchion.access.issuer_entry import IssuerEntry
from stanchion.access.key_set import KeyId, KeySet, PublicKey, read_key_set
from stanchion.errors import ServiceUnavailable

REFRESH_AFTER_SECONDS = 3600.0
RETRY_AFTER_SECONDS = 60.0
GOOD_FOR_SECONDS = 24 * 3600.0

_log = logging.getLogger(__name__)


class EntryKeys:
    """The keys of one entry. `clock` gives seconds that never go back, `on_change` hears of another set."""

    def __init__(
        self, entry: IssuerEntry, *, fetch: Fetch, clock: Callable[[], float], on_change: Callable[[], None]
    ) -> None:
        self._entry = entry
        self._fetch = fetch
        self._clock = clock
        self._on_change = on_change
        self._set: KeySet = {}
        self._fetched_at_seconds = float("-inf")
        self._tried_at_seconds = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None

    async def key(self, key_id: KeyId) -> PublicKey | None:
        """Return a key, asking the issuer for one that is not known; None where it has none of this id.

        Raises ServiceUnavailable while the issuer gives no keys at all.
        """
        if self.known(key_id) is None and (self._is_refreshing() or self._may_try()):
            # Whoever leaves must not take the answer away from the others who wait.
            await asyncio.shield(self._refresh())
        if not self._is_good():
            raise ServiceUnavailable(
                "The keys of the issuer (iss) of the token cannot be had now; the server's log says why.",
                retry_after_seconds=max(1, round(self._retry_in_seconds())),
            )
        return self._set.get(key_id)

    def known(self, key_id: KeyId) -> PublicKey | None:
        """Return a key of the last good set, at once; one that is an hour old is renewed meanwhile."""
        if self._set and self._is_due() and self._may_try():
            self._refresh()
        return self._set.get(key_id) if self._is_good() else None

    def stands_for_seconds(self) -> float:
        """Return for how long what was judged by this set needs no other look at it."""
        now_seconds = self._clock()
        due_in = self._fetched_at_seconds + REFRESH_AFTER_SECONDS - now_seconds
        good_for = self._fetched_at_seconds + GOOD_FOR_SECONDS - now_seconds
        return min(due_in if due_in > 0 else max(1.0, self._retry_in_seconds()), good_for)

    def _is_due(self) -> bool:
        return self._clock() - self._fetched_at_seconds >= REFRESH_AFTER_SECONDS

    def _is_good(self) -> bool:
        return self._clock() - self._fetched_at_seconds < GOOD_FOR_SECONDS

    def _retry_in_seconds(self) -> float:
        return self._tried_at_seconds + RETRY_AFTER_SECONDS - self._clock()

    def _may_try(self) -> bool:
        return self._retry_in_seconds() <= 0

    def _is_refreshing(self) -> bool:
        return self._refreshing is not None and not self._refreshing.done()

    def _refresh(self) -> "asyncio.Task[None]":
        if self._refreshing is None or self._refreshing.done():
            self._tried_at_seconds = self._clock()
            self._refreshing = asyncio.get_running_loop().create_task(self._renew())
        return self._refreshing

    async def _renew(self) -> None:
        url = self._entry.keys_url
        try:
            keys = read_key_set(await self._fetch(url), of=url)
        except IssuerFault as fault:
            _log.warning("The keys of the issuer %s were not renewed: %s", self._entry.issuer, fault)
            return
        # Their age counts from when they were asked for.
        self._fetched_at_seconds = self._tried_at_seconds
        if keys != self._set:
            self._set = keys
            _log.info("The issuer %s has %d keys that can be used.", self._entry.issuer, len(keys))
            self._on_change()


class IssuerKeys:
    """The keys of all entries of a directory."""

    def __init__(
        self,
        directory: Directory,
        *,
        fetch: Fetch,
        clock: Callable[[], float],
        on_change: Callable[[], None],
    ) -> None:
        self._directory = directory
        self._fetch = fetch
        self._clock = clock
        self._on_change = on_change
        self._entries: dict[str, EntryKeys] = {}

    def of(self, entry: IssuerEntry) -> EntryKeys:
        """Return the keys of an entry, those of removed entries being forgotten."""
        keys = self._entries.get(entry.entry_id)
        if keys is None:
            live = self._directory.issuers().entry_ids
            self._entries = {entry_id: kept for entry_id, kept in self._entries.items() if entry_id in live}
            keys = EntryKeys(entry, fetch=self._fetch, clock=self._clock, on_change=self._on_change)
            self._entries[entry.entry_id] = keys
        return keys
