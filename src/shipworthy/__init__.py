"""Shipworthy: one safety contract beside the model drives the gate, the canary, the runtime and the on-call rotation.

`import shipworthy` loads nothing; `Project`, `Guard` and `GuardMiddleware` are resolved when first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shipworthy.runtime.guard import Guard as Guard
    from shipworthy.runtime.middleware import GuardMiddleware as GuardMiddleware
    from shipworthy.web.notebook import Project as Project

__version__ = "0.1.0"
_LAZY = {
    "Project": "shipworthy.web.notebook",
    "Guard": "shipworthy.runtime.guard",
    "GuardMiddleware": "shipworthy.runtime.middleware",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'shipworthy' has no attribute {name!r}")
