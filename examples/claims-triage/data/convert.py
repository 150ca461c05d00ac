"""Convert the source file (a pickle) into `claims.csv.gz`, once.

In: the path of `nassCDS.pkl.compress`. Out: `claims.csv.gz` beside this script, the same bytes every time, and its
sha256 on stdout. A pickle runs code when it is opened, so two locks come first: the digest of the file is checked, and
the unpickler knows an allow-list of names and refuses every other one.

Needs pandas (training does not). Run: `python data/convert.py PATH/nassCDS.pkl.compress`
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pandas import DataFrame
from pandas.compat.pickle_compat import Unpickler
from remarks import PAYLOADS, remark

SOURCE_SHA256 = "4fe3614bcea14e67d22bcbf1a93ec923fc8e80afc4ca34c424a9ac2e15a51233"
SPLIT_SEED = 0
PAYLOAD_COPIES = 2

ALLOWED_GLOBALS = frozenset(
    {
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.numeric", "_frombuffer"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("pandas.core.frame", "DataFrame"),
        ("pandas.core.indexes.base", "Index"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("pandas.core.indexes.range", "RangeIndex"),
        ("pandas.core.internals.managers", "BlockManager"),
    }
)

SPEED_BANDS = {"1-9km/h": 0, "10-24": 1, "25-39": 2, "40-54": 3, "55+": 4}
SERIOUS, NOT_SERIOUS = {3.0, 4.0}, {0.0, 1.0, 2.0}  # 5 = unknown, 6 = died before, missing: no label, dropped

NEW_IN_2002 = frozenset({42, 47, 50})  # these units occur in 2002 only
HELD_OUT = frozenset({72, 73, 74, 75})  # these we held out; only 2001 and 2002 are replayed
TENANTS = {
    "alder": (43, 12, 48, 9, 72, 73, 42),
    "birch": (45, 13, 49, 11, 74, 75, 47),
    "cedar": (8,),
    "dogwood": (41,),
    "elm": (79, 78),
    "fir": (2, 4),
    "gum": (81, 82),
    "hazel": (76, 3),
    "iris": (5, 6, 50),
}
JURISDICTIONS = {
    "J1": (2, 3, 4, 5, 6),
    "J2": (8, 9),
    "J3": (11, 12, 13),
    "J4": (41, 42, 43),
    "J5": (45,),
    "J6": (47, 48, 49, 50),
    "J7": (76,),
    "J8": (72, 73, 78, 79),
    "J9": (74, 75, 81, 82),
}
TENANT_OF = {unit: name for name, units in TENANTS.items() for unit in units}
JURISDICTION_OF = {unit: name for name, units in JURISDICTIONS.items() for unit in units}

ROUTING = ["claim", "crash", "year", "supplier", "tenant", "jurisdiction"]
CRASH = ["speed_band", "unbelted", "airbag_unavailable", "airbag_deployed", "frontal", "driver"]
PERSON_AND_CAR = ["age", "sex", "vehicle_age"]
COLUMNS = [*ROUTING, *CRASH, *PERSON_AND_CAR, "remark", "serious", "split", "arrival"]


class ForbiddenGlobal(Exception):
    """The pickle names something that a table of numbers has no use for."""


class AllowListUnpickler(Unpickler):
    """Opens a pickled data frame and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if (module, name) not in ALLOWED_GLOBALS:
            raise ForbiddenGlobal(f"the pickle asks for {module}.{name}; only tables are opened")
        return super().find_class(module, name)


def load_frame(path: Path) -> DataFrame:
    """Return the source table. Raises ValueError when the file is not the one we know, ForbiddenGlobal as above."""
    raw = path.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != SOURCE_SHA256:
        raise ValueError(f"{path}: sha256 is {found}, expected {SOURCE_SHA256}")
    frame = AllowListUnpickler(io.BytesIO(lzma.decompress(raw))).load()
    if not isinstance(frame, DataFrame):
        raise TypeError(f"{path}: holds {type(frame).__name__}, expected a table")
    return frame


def spread(*parts: object) -> int:
    """Return 64 bits of sha256 over the parts: a draw that does not move when rows are added or left out."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def split_of(crash: str, year: int, unit: int, seed: int) -> str:
    """Return the split of one crash: all people of one crash go to the same side.

    Known units of 1997-2001: 50 % train, 20 % calibration, 30 % test. Known units of 2002 and the unfamiliar ones
    (new in 2002; the held-out block in 2001 and 2002) are traffic. The held-out block before 2001 is left aside.
    """
    if unit in HELD_OUT:
        return "traffic" if year >= 2001 else "aside"
    if year == 2002:
        return "traffic"
    place = spread(seed, crash) / 2**64
    return "train" if place < 0.5 else "calibration" if place < 0.7 else "test"


def claims(frame: DataFrame, seed: int) -> Iterator[dict[str, Any]]:
    """Yield one claim per labelled occupant, in the order of the source."""
    seats: dict[tuple[int, str], int] = {}
    for row in frame.itertuples(index=False):
        if row.injSeverity not in SERIOUS | NOT_SERIOUS:
            continue
        year = int(row.yearacc)
        unit, case, vehicle = (int(part) for part in row.caseid.split(":"))
        seat = seats[(year, row.caseid)] = seats.get((year, row.caseid), 0) + 1
        crash = f"{year}:{unit}:{case}"
        yield {
            "claim": f"{crash}:{vehicle}:{seat}",
            "crash": crash,
            "year": year,
            "supplier": f"P{unit:02d}",
            "tenant": TENANT_OF[unit],
            "jurisdiction": JURISDICTION_OF[unit],
            "speed_band": SPEED_BANDS[row.dvcat],
            "unbelted": int(row.seatbelt == "none"),
            "airbag_unavailable": int(row.abcat == "unavail"),
            "airbag_deployed": int(row.abcat == "deploy"),
            "frontal": int(row.frontal),
            "driver": int(row.occRole == "driver"),
            "age": int(row.ageOFocc),
            "sex": row.sex,
            "vehicle_age": "" if row.yearVeh != row.yearVeh else year - int(row.yearVeh),
            "serious": int(row.injSeverity in SERIOUS),
            "split": split_of(crash, year, unit, seed),
            "arrival": "",
            "order": (case, unit, year, vehicle, seat),
        }


def number_arrivals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give traffic its order (case number, then unit): the source has no finer time. Returns traffic in that order."""
    traffic = sorted((row for row in rows if row["split"] == "traffic"), key=lambda row: row["order"])
    for place, row in enumerate(traffic):
        row["arrival"] = place
    return traffic


def write_remarks(rows: list[dict[str, Any]], traffic: list[dict[str, Any]]) -> None:
    """Give every claim a harmless remark, then put each payload into `PAYLOAD_COPIES` claims of the traffic."""
    for row in rows:
        row["remark"] = remark(spread("remark", row["claim"]))
    drawn = sorted(traffic, key=lambda row: spread("payload", row["claim"]))
    for row, payload in zip(drawn, PAYLOADS * PAYLOAD_COPIES, strict=False):
        row["remark"] = payload


def convert(source: Path, target: Path, seed: int = SPLIT_SEED) -> str:
    """Write `target` (gzip without time or name) and return its sha256."""
    rows = list(claims(load_frame(source), seed))
    write_remarks(rows, number_arrivals(rows))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as file:
        file.write(text.getvalue().encode())
    target.write_bytes(packed.getvalue())
    return hashlib.sha256(packed.getvalue()).hexdigest()


if __name__ == "__main__":
    print(convert(Path(sys.argv[1]), Path(__file__).with_name("claims.csv.gz")))
