"""Denied access: what the log is to tell of it beyond what the caller is told.

An id that names another tenant is answered as any that is not there, for nobody looked whether it is; whoever asks
for one all the same wanted to reach across, which operators are to see.
"""

from stanchion.access.caller import Caller
from stanchion.access.tenants import is_guid
from stanchion.errors import NotFound, StanchionError
from stanchion.logs import Trace
from stanchion.model.wording import printable
from stanchion.odata.resources import (
    EntityResource,
    PropertyCountResource,
    PropertyResource,
    Resource,
)


def note_denial(error: StanchionError, *, resource: Resource, caller: Caller | None, trace: Trace) -> None:
    """Note who was denied what, where the error is about that."""
    if caller is None:
        return
    if _names_other_tenant(error, resource, caller):
        error.denial = "other_tenant"
    if caller.delegated and error.denial is not None:
        trace.person = printable(caller.actor.name)


def _names_other_tenant(error: StanchionError, resource: Resource, caller: Caller) -> bool:
    if not isinstance(error, NotFound):
        return False
    if not isinstance(resource, EntityResource | PropertyResource | PropertyCountResource):
        return False
    # Ids of scores begin with their tenant.
    named, mark, _ = resource.key.partition("_")
    return mark != "" and is_guid(named.lower()) and named.lower() != caller.tenant_id
