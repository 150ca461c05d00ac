"""Open the built model of a repository in a child process, ask it, and end it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from shipworthy.contract.manifest import Manifest
from shipworthy.errors import ContractError, Unreachable
from shipworthy.expr import compile_expr
from shipworthy.models.child import ModelProcess
from shipworthy.models.client import Answers, score_rows
from shipworthy.models.spec import columns_of, open_spec, values_of
from shipworthy.models.table import read_rows
from shipworthy.runtime.columns import text_columns

Row = dict[str, Any]


class OpenModel:
    """A model that answers batches of rows, in a process without keys. `held` ends with it: what an evaluation opens
    beside the model is closed there."""

    def __init__(self, process: ModelProcess, manifest: Manifest, held: ExitStack) -> None:
        self.held = held
        self._process = process
        self._columns = columns_of(manifest.features)

    def values(self, rows: Sequence[list[Any]]) -> Answers:
        """Return the answers to rows of values in manifest feature order."""
        return score_rows(self._process.port, list(rows))

    def rows(self, rows: Sequence[Row]) -> Answers:
        """Return the answers to rows by name."""
        return self.values([values_of(row, self._columns) for row in rows])


@contextmanager
def open_model(root: Path, manifest: Manifest) -> Iterator[OpenModel]:
    """Open the model of the artefact folder for the length of the block."""
    process = ModelProcess(
        root / manifest.artefacts,
        open_spec(manifest.adapter),
        columns_of(manifest.features),
        root / ".shipworthy" / "model.log",
    )
    try:
        process.start()
    except Unreachable as problem:  # a clean folder is gone before anybody could look there
        told = problem.what.replace(f"{(root / manifest.artefacts).resolve()}/", f"{manifest.artefacts}/")
        raise Unreachable(told, manifest.artefacts, problem.fix) from problem
    try:
        with ExitStack() as held:
            yield OpenModel(process, manifest, held)
    finally:
        process.stop()


def dataset_rows(root: Path, manifest: Manifest, name: str) -> list[Row]:
    """Return the rows of a declared dataset. Raises ContractError when the contract declares none of that name."""
    declared = manifest.datasets.get(name)
    if declared is None:
        raise ContractError(f"no dataset {name!r}", "shipworthy.yaml", "declare it under `datasets:`")
    return read_rows(root / declared.path, declared.where, text_columns(manifest))


def all_datasets(root: Path, manifest: Manifest) -> dict[str, list[Row]]:
    """Return the rows of every declared dataset, reading each file once."""
    text = text_columns(manifest)
    files = {path: read_rows(root / path, text=text) for path in {one.path for one in manifest.datasets.values()}}
    made: dict[str, list[Row]] = {}
    for name, declared in manifest.datasets.items():
        keep = compile_expr(declared.where)
        made[name] = [row for row in files[declared.path] if keep(row) is True]
    return made
