"""What `stanchion check` looks at, a few small checks a module: each takes values and gives findings."""
