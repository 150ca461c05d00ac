"""Under which name a site keeps where its breaches lie, for whoever reads it without the numbers' library."""

from __future__ import annotations

from typing import Final

KEPT_AS: Final = "respond/lies"
