"""Make the case rows that no data set holds: claims changed in one known way.

In: the test rows of `data/claims.csv.gz`. Out: `cases/speed_raised.csv`: serious injuries of the speed bands 0 to 3,
told as if the crash had been in the highest band. They stay serious in a faster crash, so the label stays true.
Run once and committed: the case is its rows. Run: `python cases/make.py`
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROUTING = ["claim", "crash", "year", "supplier", "tenant", "jurisdiction"]
INPUTS = ["speed_band", "unbelted", "airbag_unavailable", "airbag_deployed", "frontal", "driver"]
PEOPLE = ["age", "sex", "vehicle_age"]
COLUMNS = [*ROUTING, *INPUTS, *PEOPLE, "serious"]
HIGHEST, EVERY = "4", 4


def raised(path: Path) -> list[dict[str, str]]:
    """Return every fourth serious claim of the lower bands, moved to the highest band."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["split"] == "test" and row["serious"] == "1" and row["speed_band"] != HIGHEST
        ]
    return [{**row, "speed_band": HIGHEST} for row in rows[::EVERY]]


def main() -> None:
    """Write the file."""
    with (HERE / "speed_raised.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(raised(HERE.parent / "data" / "claims.csv.gz"))


if __name__ == "__main__":
    main()
