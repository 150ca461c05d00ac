"""`python -m shipworthy.cli` is the same as `shipworthy`."""

from __future__ import annotations

from shipworthy.cli import main

main()
