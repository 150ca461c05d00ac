"""Faults planted on purpose: each is one line of the core made wrong, and some test must notice."""
