"""A judge of tokens: what the server asks who a caller is, with a clock that goes as a test says."""

import time
from dataclasses import dataclass, field

from stanchion.access.caller import Caller
from stanchion.access.directory import Directory
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.errors import StanchionError
from tests.access.workbench import Clock
from tests.databases import AnyStore


@dataclass
class Judge:
    """A verifier over a store; `clock` is that of the directory and of the keys, and moves the time of day."""

    store: AnyStore
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        directory = Directory(self.store, clock=self.clock)
        self.verifier = TokenVerifier(
            directory, origins=Origins(), store_id=self.store.store_id, clock=self.clock
        )

    async def caller(self, token: str) -> Caller:
        """Return who asks by a token."""
        return await self.verifier.caller([f"Bearer {token}"], now_seconds=time.time() + self.clock.seconds)

    async def status(self, token: str) -> int:
        """Return 200, or the status with which a token is refused."""
        try:
            await self.caller(token)
        except StanchionError as refused:
            return refused.status
        return 200
