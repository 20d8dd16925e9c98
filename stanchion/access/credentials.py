"""Client authentication: a client and the secret that it sent.

A client that is unknown is judged too, so that this takes as long as a wrong secret.
"""

from stanchion.access.client import Client
from stanchion.access.secrets import secret_matches


def authenticated(client: Client | None, secret: str) -> Client | None:
    """Return the client where the secret is one of its own, revoked or not, else None."""
    digests = [kept.digest for kept in client.secrets] if client is not None else []
    return client if secret_matches(secret, digests) else None
