"""The SDKs' clients, made as their documentation does it, with our addresses; and closed again."""

from typing import cast

from tests.clients.beta_sdk import BetaServiceClient
from tests.clients.sdk import (
    AccessTokenProvider,
    AllowedHostsValidator,
    AsyncGraphTransport,
    BaseBearerTokenAuthenticationProvider,
    ClientSecretCredential,
    GraphRequestAdapter,
    GraphServiceClient,
    HttpxRequestAdapter,
    PageIterator,
    RequestAdapter,
)
from tests.serving.place import TENANT
from tests.serving.process import Server


class _Given(AccessTokenProvider):
    """Hands out a token that is there already."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_authorization_token(
        self,
        uri: str,  # noqa: ARG002 # The provider's signature.
        additional_authentication_context: dict[str, object] | None = None,  # noqa: ARG002 # The same.
    ) -> str:
        """Return the token."""
        return self._token

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        """Return a validator that lets every host be asked."""
        return AllowedHostsValidator([])


class Connect:
    """Makes clients of a server, which fetch their own tokens; closes what it made."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: list[tuple[RequestAdapter, ClientSecretCredential | None]] = []

    def __call__(self, client_id: str, secret: str, *, root: str = "v1.0") -> GraphServiceClient:
        """Return a client of msgraph-sdk."""
        credential = self._credential(client_id, secret)
        client = GraphServiceClient(credential)
        self._point(client.request_adapter, root, credential)
        return client

    def with_token(self, token: str) -> GraphServiceClient:
        """Return a client of msgraph-sdk that sends this token, whatever it is."""
        adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(_Given(token)))
        client = GraphServiceClient(request_adapter=adapter)
        self._point(adapter, "v1.0", None)
        return client

    def beta(self, client_id: str, secret: str) -> BetaServiceClient:
        """Return a client of msgraph-beta-sdk."""
        credential = self._credential(client_id, secret)
        client = BetaServiceClient(credential)
        self._point(client.request_adapter, "beta", credential)
        return client

    async def close(self) -> None:
        """Close the connections, for which the SDK has no way: its transport does not pass `aclose` on."""
        for adapter, credential in self._made:
            client = cast("HttpxRequestAdapter", adapter)._http_client
            await cast("AsyncGraphTransport", client._transport).transport.aclose()
            if credential is not None:
                credential.close()

    def _credential(self, client_id: str, secret: str) -> ClientSecretCredential:
        return ClientSecretCredential(
            TENANT, client_id, secret, authority=self._server.origin, disable_instance_discovery=True
        )

    def _point(self, adapter: RequestAdapter, root: str, credential: ClientSecretCredential | None) -> None:
        adapter.base_url = f"{self._server.origin}/{root}"
        self._made.append((adapter, credential))


async def ids_of_all_pages(page: object, adapter: RequestAdapter) -> list[str]:
    """Return the ids of all entities, from the first page to the last, with the SDK's own iterator."""
    ids: list[str] = []

    def keep(entity: object) -> bool:
        ids.append(entity.id)  # type: ignore[attr-defined] # An entity of whichever set.
        return True

    await PageIterator(page, adapter).iterate(keep)
    return ids
