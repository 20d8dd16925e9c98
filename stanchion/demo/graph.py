"""What all Graph objects of the demo share: their type, their vendor, how a time is written."""

import datetime as dt
from typing import Any

JsonObject = dict[str, Any]


def vendor_information(provider: str) -> JsonObject:
    """Name the Microsoft provider of an entity, as securityVendorInformation."""
    return {"provider": provider, "providerVersion": None, "subProvider": None, "vendor": "Microsoft"}


def instant(time: dt.datetime) -> str:
    """Write a time in UTC as Graph does, to the microsecond where it has one."""
    return time.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
