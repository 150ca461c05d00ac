"""Training rows of a repository, written otherwise: the file of the dataset `train` with its other rows as they are.

In: a sandbox and what becomes of the training rows. Out: the same file, changed; a data record that names its new
digest. Cells are texts as they stand in the file.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable
from pathlib import Path

from shipworthy.contract.change import MANIFEST, build_files, data_files
from shipworthy.contract.contract import Contract
from shipworthy.evaluate.mutants.kind import NotMade
from shipworthy.evaluate.mutants.rows import Cells
from shipworthy.expr import compile_expr
from shipworthy.facts import digest
from shipworthy.models.table import read_rows
from shipworthy.runtime.columns import text_columns

_SEED = re.compile(r"""(?im)(\b(?:[a-z]+_)?seed["']?\s*[:=]\s*)(\d+)\b""")


def rewrite_training(root: Path, contract: Contract, change: Callable[[list[Cells]], list[Cells]]) -> None:
    """Change the training rows in their file. Raises what `change` raises."""
    declared = contract.manifest.datasets["train"]
    path = root / declared.path
    keep = compile_expr(declared.where)
    trained = [keep(row) is True for row in read_rows(path, text=text_columns(contract.manifest))]
    header, cells = _read(path)
    rows = [dict(zip(header, line, strict=True)) for line, yes in zip(cells, trained, strict=True) if yes]
    others = [line for line, yes in zip(cells, trained, strict=True) if not yes]
    made = [[row[name] for name in header] for row in change(rows)]
    _write(path, [header, *made, *others])
    _name_again(root, contract, declared.path)


def rewrite_seed(root: Path, contract: Contract) -> None:
    """Write the next number after every `seed:` or `seed =` in the code. Raises NotMade when there is none."""
    manifest = contract.manifest
    code = set(build_files(manifest, contract.files)) - {MANIFEST} - data_files(manifest)
    found = 0
    for path in (root / name for name in sorted(code)):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        made, times = _SEED.subn(lambda hit: f"{hit[1]}{int(hit[2]) + 1}", text)
        if times:
            path.write_text(made, encoding="utf-8")
            found += times
    if not found:
        raise NotMade("healthy.reseeded", "no seed is written in the code")


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    header, *cells = csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), strict=True)
    return header, cells


def _write(path: Path, lines: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    raw = text.getvalue().encode()
    path.write_bytes(gzip.compress(raw, 6, mtime=0) if path.suffix == ".gz" else raw)


def _name_again(root: Path, contract: Contract, file: str) -> None:
    """A team that trains on other rows records their digest: the mutant must not be found by a stale one."""
    now = digest((root / file).read_bytes())
    path = root / MANIFEST
    text = path.read_text(encoding="utf-8")
    for source in contract.manifest.data_sources:
        if source.file == file and source.digest:
            text = text.replace(source.digest, now)
    path.write_text(text, encoding="utf-8")
