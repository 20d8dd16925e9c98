"""Measurements of the server against a bare one, in one interleaved run; `make bench` prints them."""
