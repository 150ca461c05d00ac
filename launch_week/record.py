"""What the story observed: claims with their figures, and the series that the page draws."""

from __future__ import annotations

import time
from typing import Any

import msgspec


class Claim(msgspec.Struct, kw_only=True):
    """One line of the story: what should hold, whether it did, and the figure that was seen."""

    text: str
    held: bool
    figure: str


class Scene(msgspec.Struct, kw_only=True):
    """One numbered scene with its claims and tables (caption, header, rows)."""

    number: int
    title: str
    claims: list[Claim] = []
    tables: list[tuple[str, list[str], list[list[str]]]] = []
    seconds: float = 0.0


class Record:
    """All scenes of one run, printed as they happen."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.series: dict[str, Any] = {}
        self._started = time.monotonic()

    def scene(self, number: int, title: str) -> Scene:
        """Open the next scene."""
        self._close()
        self.scenes.append(Scene(number=number, title=title))
        self._started = time.monotonic()
        print(f"\n{number:>2}  {title}", flush=True)
        return self.scenes[-1]

    def claim(self, text: str, held: bool, figure: object = "") -> bool:
        """Record one claim and print it. A claim that does not hold fails the story, and the story goes on."""
        one = Claim(text=text, held=bool(held), figure=str(figure))
        self.scenes[-1].claims.append(one)
        shown = f"  ({one.figure})" if one.figure else ""
        print(f"    {'ok  ' if one.held else 'FAIL'} {text}{shown}", flush=True)
        return one.held

    def table(self, caption: str, header: list[str], rows: list[list[str]]) -> None:
        """Record a table and print it."""
        self.scenes[-1].tables.append((caption, header, rows))
        widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
        print(f"    {caption}")
        for row in [header, *rows]:
            print("      " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)))

    def say(self, text: str) -> None:
        """Print progress that is not a claim."""
        print(f"         {text}", flush=True)

    def finish(self) -> tuple[int, int]:
        """Close the last scene; return (claims, claims that held)."""
        self._close()
        claims = [claim for scene in self.scenes for claim in scene.claims]
        return len(claims), sum(claim.held for claim in claims)

    def _close(self) -> None:
        if self.scenes and not self.scenes[-1].seconds:
            self.scenes[-1].seconds = time.monotonic() - self._started
            print(f"         {self.scenes[-1].seconds:.0f} s", flush=True)
