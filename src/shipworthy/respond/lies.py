"""Under which names a site keeps where its breaches lie, and what it warns of, for whoever reads it without numpy."""

from __future__ import annotations

from typing import Final

KEPT_AS: Final = "respond/lies"
WARNED_AS: Final = "paging/warning"
