"""Where readings come from: the formats that can be imported, each a reader of bytes to values. Pure."""
