"""What the tests of the pages share: a strict reader, a hostile text, and a recorded week."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;\x00\ud800"


def svg_of(text: str) -> ET.Element:
    """Return the root of well-formed markup."""
    return ET.fromstring(text)


def page_of(text: str) -> ET.Element:
    """Return the root of a page that is well-formed XML behind its doctype."""
    doctype, rest = text.split("\n", 1)
    assert doctype == "<!DOCTYPE html>"
    return ET.fromstring(rest)


def words_of(element: ET.Element) -> str:
    """Return all text below an element."""
    return " ".join(" ".join(element.itertext()).split())


def recorded(name: str = "acme") -> dict[str, Any]:
    """Return a small week; `name` stands wherever a name of somebody else's choosing can stand."""
    return {
        "share": [{"t": t, "tenant": tenant, "share": 0.1 if tenant == name and t else 0.0}
                  for t in range(0, 160, 8) for tenant in (name, "birch")],
        "stage_share": [{"t": 0, "share": 0.0}, {"t": 8, "share": 0.1}],
        "ood": [{"t": t / 2, "p": 0.5 if t % 5 else 0.0005, "unseen": t % 5 == 0, "arm": name} for t in range(200)],
        "ece": [
            {"supplier": "pooled", "n": 900, "value": 0.03, "lo": 0.02, "hi": 0.04},
            {"supplier": name, "n": 100, "value": 0.02, "lo": 0.01, "hi": 0.04},
            {"supplier": "__unseen__", "n": 300, "value": 0.15, "lo": 0.1, "hi": 0.2},
            {"supplier": "P07", "n": 3, "value": None, "lo": None, "hi": None},
        ],
        "postures": [
            {"lane": name, "start": 0, "end": 40, "posture": "normal"},
            {"lane": name, "start": 40, "end": 90, "posture": "safe_mode"},
            {"lane": "all others", "start": 0, "end": 150, "posture": "normal"},
            {"lane": "all others", "start": 150, "end": None, "posture": name},
        ],
        "ledger": [
            {"t": -1.5, "seq": 0, "kind": "gate.decided", "actor": name},
            {"t": 40, "seq": 1, "kind": "respond.ordered", "actor": "machine"},
            {"t": 90, "seq": 2, "kind": f"respond.{name}", "actor": "ana"},
        ],
        "review": [{"t": 18 + 24 * day, "deny": None if day == 0 else 0.1 + day / 50, "approve": 0.7,
                    "review_rate": 0.8 - day / 30} for day in range(7)],
    }  # fmt: skip
