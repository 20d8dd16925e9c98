"""Access tokens: an Authorization header becomes a caller or 401.

- Only what was verified is kept, keyed by the SHA-256 of the token, bounded, and never past its end.
- Beside the claims the ready caller is kept, good until the directory changes: its revision is re-read each
  second, so what is revoked, removed or retired is seen within that time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic

from stanchion.access.bearer import read_bearer, read_header, read_payload
from stanchion.access.caller import Caller
from stanchion.access.directory import Directory
from stanchion.access.external_tokens import ExternalToken, ExternalTokens
from stanchion.access.issuer_document import Fetch, Fetcher
from stanchion.access.issuer_keys import IssuerKeys
from stanchion.access.origin import Origins
from stanchion.access.own_tokens import OwnToken, OwnTokens
from stanchion.errors import Unauthenticated

MAX_KEPT_TOKENS = 10_000

_SCHEME = "Bearer "
_SCHEME_LENGTH = len(_SCHEME)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A verified token and its caller, ready as long as the directory is in the state it was judged in."""

    token: OwnToken | ExternalToken
    caller: Caller
    begins_seconds: float
    ends_seconds: float
    state: object


class Counted(tuple[str, ...]):
    """The Authorization headers of a request whose token was known, and counted so, when it was asked for first."""

    __slots__ = ()


class TokenVerifier:
    """Verifies tokens against a directory and keeps what it has verified.

    `fetch` and `clock`, seconds that never go back, are for the keys of issuers besides our own.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        origins: Origins,
        store_id: str,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = monotonic,
        max_kept: int = MAX_KEPT_TOKENS,
    ) -> None:
        self._directory = directory
        self._own = OwnTokens(directory, origins=origins, store_id=store_id)
        keys = IssuerKeys(directory, fetch=fetch or Fetcher(), clock=clock, on_change=self._forget_external)
        self._external = ExternalTokens(directory, keys)
        self._max_kept = max_kept
        self._kept: dict[bytes, _Kept] = {}
        self.judged = 0  # how many tokens were not known from before
        self.recognised = 0  # how many were

    def __len__(self) -> int:
        return len(self._kept)

    def known(self, authorization: Sequence[str], *, now_seconds: float) -> Caller | None:
        """Return who asks where their token was judged before and that still holds: then `caller` says the same.

        Nearly every request has been here before, so that this is short; for what is odd it knows nobody.
        """
        if len(authorization) == 1 and authorization[0].startswith(_SCHEME):
            text = authorization[0][_SCHEME_LENGTH:]
            kept = self._kept.get(sha256(text.encode("utf-8", "replace")).digest())
            if (
                kept is not None
                and kept.begins_seconds <= now_seconds < kept.ends_seconds
                and kept.state is self._directory.state()
            ):
                if type(authorization) is not Counted:
                    self.recognised += 1
                return kept.caller
        return None

    async def caller(self, authorization: Sequence[str], *, now_seconds: float) -> Caller:
        """Return who asks, by the request's Authorization headers; raises Unauthenticated.

        It awaits nothing unless keys of an issuer have to be fetched.
        """
        known = self.known(authorization, now_seconds=now_seconds)
        return known or await self._judge(read_bearer(authorization), now_seconds=now_seconds)

    async def _judge(self, token: bytes, *, now_seconds: float) -> Caller:
        self.judged += 1
        digest = sha256(token).digest()
        kept = self._kept.get(digest)
        if kept is not None:
            try:
                return self._stand(digest, kept.token, now_seconds=now_seconds)
            except Unauthenticated:
                # It may be good for another reason now: an issuer may have been removed and added anew.
                self._kept.pop(digest, None)
        verified = await self._verify(token, now_seconds=now_seconds)
        return self._stand(digest, verified, now_seconds=now_seconds)

    async def _verify(self, token: bytes, *, now_seconds: float) -> OwnToken | ExternalToken:
        header = read_header(token)
        issuers = self._directory.issuers()
        if issuers:
            unverified = read_payload(token)
            if unverified.get("iss") in issuers:
                return await self._external.verify(token, header, unverified)
        return self._own.verify(token, header, now_seconds=now_seconds)

    def _stand(self, digest: bytes, token: OwnToken | ExternalToken, *, now_seconds: float) -> Caller:
        # Before what is judged by it: what changes meanwhile is then seen at the next request.
        state = self._directory.state()
        try:
            if isinstance(token, OwnToken):
                standing = self._own.standing(token, now_seconds=now_seconds)
            else:
                standing = self._external.standing(token, now_seconds=now_seconds)
        except Unauthenticated as error:
            # Its signature is true, so that operators may learn whose it is.
            error.tenant_id, error.app_id = token.tenant_id, token.app_id
            raise
        caller = standing.caller
        self._keep(digest, _Kept(token, caller, standing.begins_seconds, standing.ends_seconds, state))
        return caller

    def _forget_external(self) -> None:
        self._kept = {
            digest: kept for digest, kept in self._kept.items() if not isinstance(kept.token, ExternalToken)
        }

    def _keep(self, digest: bytes, kept: _Kept) -> None:
        while digest not in self._kept and len(self._kept) >= self._max_kept:
            del self._kept[next(iter(self._kept))]
        self._kept[digest] = kept
