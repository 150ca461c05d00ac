"""Under which name a site keeps what it warns of, such as that nobody is paged: for whoever reads it from the disk."""

from __future__ import annotations

from typing import Final

WARNED_AS: Final = "paging/warning"
