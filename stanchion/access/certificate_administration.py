"""Certificates of apps as commands: given to an app, taken away.

Each is recorded as a change in the tenant of the app, with the thumbprint of the certificate.
"""

from dataclasses import dataclass, replace

from stanchion.access.administration import CLIENTS, AppCommand, live_app
from stanchion.access.client import Client, StoredCertificate, client_row
from stanchion.access.client_certificate import ClientCertificate
from stanchion.errors import Conflict, NotFound
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.model.json_text import JsonObject

# One for each place where a program runs, and a second one while they are changed; each costs a request time.
MAX_CERTIFICATES = 8


@dataclass(frozen=True, kw_only=True)
class AddCertificate(AppCommand):
    """Give an app a certificate; one that it has already stays as it is."""

    certificate: ClientCertificate

    def apply(self, draft: Draft) -> Applied[Client]:
        """Keep the certificate and return the app."""
        app = live_app(draft, self.client_id)
        if self.certificate.thumbprint not in {kept.thumbprint for kept in app.certificates}:
            if len(app.certificates) >= MAX_CERTIFICATES:
                raise Conflict(
                    f"The app {app.client_id} has {MAX_CERTIFICATES} certificates, the most that are kept; "
                    "`stanchion app certificate remove` takes one away.",
                    target="certificate",
                )
            given = self.certificate
            kept = StoredCertificate(given.thumbprint, given.der, draft.now_ticks)
            app = replace(app, certificates=(*app.certificates, kept))
            draft.put_row(CLIENTS, app.client_id, client_row(app))
        return Applied(app, "app.certificate.add", _detail(app, self.certificate.thumbprint))


@dataclass(frozen=True, kw_only=True)
class RemoveCertificate(AppCommand):
    """Take a certificate away from an app."""

    thumbprint: str

    def apply(self, draft: Draft) -> Applied[Client]:
        """Drop the certificate and return the app; raises NotFound where the app has it not."""
        app = live_app(draft, self.client_id)
        others = tuple(kept for kept in app.certificates if kept.thumbprint != self.thumbprint)
        if len(others) == len(app.certificates):
            raise NotFound(
                f"The app {app.client_id} has no certificate with this thumbprint; "
                "`stanchion app certificate list` names those it has.",
                target="thumbprint",
            )
        app = replace(app, certificates=others)
        draft.put_row(CLIENTS, app.client_id, client_row(app))
        return Applied(app, "app.certificate.remove", _detail(app, self.thumbprint))


def _detail(app: Client, thumbprint: str) -> JsonObject:
    return {"app": app.client_id, "thumbprint": thumbprint}
