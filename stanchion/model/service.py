"""The service document: what a root has, for clients that find their way by themselves.

Source: OData JSON 4.01, 5. A root has one singleton, `security`; its sets are contained in it and so are not
listed (OData Protocol 11.1.1).
"""

from stanchion.model.edm import RootName
from stanchion.model.json_text import JsonValue, dump_json


def service_document(origin: str, root: RootName) -> bytes:
    """Return the service document; `origin` is scheme, host and port, without a slash at the end."""
    security: JsonValue = {"name": "security", "kind": "Singleton", "url": "security"}
    return dump_json({"@odata.context": f"{origin}/{root}/$metadata", "value": [security]})
