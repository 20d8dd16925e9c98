"""How it is served: HTTP in, values through, HTTP out."""
