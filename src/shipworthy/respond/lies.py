"""Under which names a site keeps where its breaches lie and what it warns of, readable without a numbers' library."""

from __future__ import annotations

from typing import Final

KEPT_AS: Final = "respond/lies"
WARNED_AS: Final = "paging/warning"
