"""The functions of a filter: what they take and give.

Source: OData 4.01 URL, 5.1.1.5 to 5.1.1.9.
"""

from types import MappingProxyType

import msgspec

from stanchion.odata.filter.tree import Kind


class Function(msgspec.Struct, frozen=True):
    """The kinds of a function's arguments, the last `optional` of which may be left out, and of its value."""

    takes: tuple[Kind, ...]
    gives: Kind
    optional: int = 0
    of_days: bool = False  # it takes a date in the place of an instant too


_TEXT: Kind = "Edm.String"
_NUMBER: Kind = "Edm.Int64"
_INSTANT: Kind = "Edm.DateTimeOffset"
_TEST = Function((_TEXT, _TEXT), "Edm.Boolean")
_CHANGE = Function((_TEXT,), _TEXT)
_PART_OF_DAY = Function((_INSTANT,), _NUMBER)
_PART_OF_DATE = Function((_INSTANT,), _NUMBER, of_days=True)

FUNCTIONS = MappingProxyType(
    {
        "contains": _TEST,
        "startswith": _TEST,
        "endswith": _TEST,
        "tolower": _CHANGE,
        "toupper": _CHANGE,
        "trim": _CHANGE,
        "length": Function((_TEXT,), _NUMBER),
        "indexof": Function((_TEXT, _TEXT), _NUMBER),
        "substring": Function((_TEXT, _NUMBER, _NUMBER), _TEXT, optional=1),
        "concat": Function((_TEXT, _TEXT), _TEXT),
        "year": _PART_OF_DATE,
        "month": _PART_OF_DATE,
        "day": _PART_OF_DATE,
        "hour": _PART_OF_DAY,
        "minute": _PART_OF_DAY,
        "second": _PART_OF_DAY,
        "date": Function((_INSTANT,), "Edm.Date"),
        "now": Function((), _INSTANT),
    }
)

NOT_OFFERED = frozenset(
    {
        "case",
        "ceiling",
        "floor",
        "fractionalseconds",
        "geo.distance",
        "geo.intersects",
        "geo.length",
        "hassubsequence",
        "hassubset",
        "isof",
        "matchespattern",
        "maxdatetime",
        "mindatetime",
        "round",
        "time",
        "totaloffsetminutes",
        "totalseconds",
    }
)
"""Functions that OData knows and this server does not."""

OF_LISTS = frozenset({"concat", "contains", "endswith", "indexof", "length", "startswith", "substring"})
"""Functions that OData has for collections too, and this server for text only."""
