"""Logs of a small made-up model: a calibrated score that depends on age and amount; later rows may be older people."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGIN = datetime(2027, 1, 4, tzinfo=UTC)
Line = dict[str, Any]


def lines(
    n: int, seed: int, *, first_h: float = 0.0, minutes: float = 1.0, older: float = 0.0, new: float = 0.0
) -> list[Line]:
    """`older`: years added; `new`: share of rows with a supplier that nobody has seen."""
    return list(_lines(random.Random(seed), n, first_h, minutes, older, new))


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _lines(r: random.Random, n: int, first_h: float, minutes: float, older: float, new: float) -> Iterator[Line]:
    for i in range(n):
        at = BEGIN + timedelta(hours=first_h, minutes=i * minutes)
        age, amount = round(min(95.0, max(18.0, r.gauss(45 + older, 14))), 1), round(r.lognormvariate(1, 0.6), 3)
        score = 1 / (1 + math.exp(-((age - 45) / 20 + 0.4 * (amount - 3))))
        yield {
            "time": at.isoformat().replace("+00:00", "Z"),
            "age": age,
            "amount": amount,
            "supplier": "P9" if r.random() < new else r.choice(["P1", "P2", "P3"]),
            "sex": r.choice("FM"),
            "score": round(score, 6),
            "decision": "deny" if score < 0.3 else "approve" if score > 0.7 else "review",
            "label": int(r.random() < score),
            "took_ms": round(r.lognormvariate(1, 0.5), 2),
        }
