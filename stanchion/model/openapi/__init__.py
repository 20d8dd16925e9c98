"""The OpenAPI 3.1 description of a Graph root, derived from the entity data model and the routes that are served."""

from stanchion.model.openapi.document import openapi_document
from stanchion.model.openapi.facts import Facts, Kind, Route

__all__ = ["Facts", "Kind", "Route", "openapi_document"]
