"""What a Graph root says of itself to anyone, without a token: its service document and its metadata.

XML is what the readers of `$metadata` know. Some name JSON first in every request and cannot read it here, so JSON
is answered only to those who take nothing else, or ask for it by `$format`.
"""

from typing import TypeAlias

from stanchion.errors import MethodNotAllowed
from stanchion.model.csdl import metadata_document
from stanchion.model.csdl_json import metadata_in_json
from stanchion.model.edm import RootName
from stanchion.model.service import service_document
from stanchion.odata.negotiation import JSON, METADATA, Choice, check_version, chosen
from stanchion.odata.options import asked_format, check_document_options
from stanchion.odata.resources import Metadata, ServiceDocument
from stanchion.web.exchange import JSON as PLAIN_JSON
from stanchion.web.exchange import Reply, Request
from stanchion.web.replies import content_type

Document: TypeAlias = ServiceDocument | Metadata


def document(resource: Document, request: Request, origin: str) -> Reply:
    """Return a document; raises a StanchionError to refuse."""
    if request.method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(request.method, allowed=("GET", "HEAD"))
    offered = METADATA if isinstance(resource, Metadata) else JSON
    choice = chosen(request.headers.get("accept"), asked_format(request.query), offered)
    check_version(request.headers.get("odata-maxversion"))
    check_document_options(request.query)
    if isinstance(resource, Metadata):
        return _metadata(resource, choice)
    bare = choice.style.metadata == "none"
    body = service_document(origin, resource.root, bare=bare)
    return Reply(200, body, content_type(choice.style), {"Link": _described_at(origin, resource.root)})


def _described_at(origin: str, root: RootName) -> str:
    """Return where the root is described: for programs and for people (RFC 8631)."""
    base = f"{origin}/{root}"
    return f'<{base}/openapi.json>; rel="service-desc", <{base}/docs>; rel="service-doc"'


def _metadata(resource: Metadata, choice: Choice) -> Reply:
    if choice.media_type in JSON:
        return Reply(200, metadata_in_json(resource.root), PLAIN_JSON)
    return Reply(200, metadata_document(resource.root), "application/xml;charset=utf-8")
