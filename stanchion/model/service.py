"""The service document: what a root has, for clients that find their way by themselves.

Source: OData JSON 4.01, 5. A root has one singleton, `security`; its sets are contained in it and so are not
listed (OData Protocol 11.1.1).
"""

from stanchion.model.edm import RootName
from stanchion.model.json_text import JsonObject, dump_json


def service_document(origin: str, root: RootName, *, bare: bool = False) -> bytes:
    """Return the service document; `origin` is scheme, host and port, without a slash at the end.

    Where `bare`, it is without its context, as `odata.metadata=none` asks.
    """
    context: JsonObject = {} if bare else {"@odata.context": f"{origin}/{root}/$metadata"}
    return dump_json({**context, "value": [{"name": "security", "kind": "Singleton", "url": "security"}]})
