"""`$filter`: from text to a checked tree whose literals are parameters (OData 4.01 URL 5.1.1)."""

from stanchion.odata.filter.parse import MAX_BYTES, MAX_DEPTH
from stanchion.odata.filter.shapes import parse_filter
from stanchion.odata.filter.tree import Filter
from stanchion.odata.filter.typing import MAX_TESTS

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_TESTS", "Filter", "parse_filter"]
