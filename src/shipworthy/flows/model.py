"""Open the built model of a repository in a child process, ask it, and end it again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from shipworthy.artifact.run.fence import fence
from shipworthy.contract.manifest import Manifest
from shipworthy.errors import ContractError, ModelBroke, Unreachable
from shipworthy.expr import compile_expr
from shipworthy.models.child import ModelProcess
from shipworthy.models.client import Answers, score_rows
from shipworthy.models.deadline import Deadline
from shipworthy.models.spec import columns_of, open_spec, values_of
from shipworthy.models.table import read_rows
from shipworthy.runtime.columns import text_columns

Row = dict[str, Any]


MOST_RESTARTS = 5
IMPATIENT_S = 10.0  # for a batch of a model that has once not answered in time


class OpenModel:
    """A model that answers batches of rows. Scoring happens in a process without keys and without network.

    A model that crashes or does not answer before the deadline is started again for the next batch, a few times: one
    row that kills it must not take the rest of the evaluation along. What an evaluation opens beside
    the model is closed with `held`.
    """

    def __init__(
        self, process: ModelProcess, manifest: Manifest, held: ExitStack, deadline: Deadline | None = None
    ) -> None:
        self.held = held
        self._process = process
        self._columns = columns_of(manifest.features)
        self.deadline = deadline or Deadline()
        self.restarts = 0

    @property
    def network(self) -> str:
        """`none` where the system let us take the network away, else `open`: then only its own guard holds."""
        return self._process.network

    def values(self, rows: Sequence[list[Any]]) -> Answers:
        """Return the answers to rows of values in manifest feature order. Raises Unreachable without them."""
        if not self._process.alive():
            self._again()
        try:
            return score_rows(self._process.port, list(rows), timeout_s=self.deadline.left())
        except ModelBroke as problem:  # its port is another one each time: evidence names none
            raise ModelBroke(problem.what, "model", "see .shipworthy/model.log") from problem
        except Unreachable as problem:
            if self.deadline.passed() or isinstance(problem.__cause__, TimeoutError):
                self._process.kill()
                self.deadline.longest_s = min(self.deadline.longest_s, IMPATIENT_S)
                told = f"the model did not answer {len(rows)} rows in time"
                raise Unreachable(told, "model", "give it more seconds, or mend it") from problem
            if not self._ended():
                raise Unreachable(problem.what, "model", "see .shipworthy/model.log") from problem
            raise Unreachable("the model process ended", "model", "see .shipworthy/model.log") from problem

    def _ended(self) -> bool:
        """A process that has just crashed is not reaped yet."""
        for _ in range(20):
            if not self._process.alive():
                return True
            time.sleep(0.01)
        return False

    def _again(self) -> None:
        if self.restarts >= MOST_RESTARTS:
            told = f"the model process ended {self.restarts + 1} times"
            raise Unreachable(told, "model", "see .shipworthy/model.log")
        self.restarts += 1
        self._process.start()

    def rows(self, rows: Sequence[Row]) -> Answers:
        """Return the answers to rows by name."""
        return self.values([values_of(row, self._columns) for row in rows])


@contextmanager
def open_model(root: Path, manifest: Manifest, deadline: Deadline | None = None) -> Iterator[OpenModel]:
    """Open the model of the artefact folder for the length of the block, without network."""
    process = ModelProcess(
        root / manifest.artefacts,
        open_spec(manifest.adapter),
        columns_of(manifest.features),
        root / ".shipworthy" / "model.log",
        fence=fence,
    )
    try:
        process.start()
    except Unreachable as problem:  # a clean folder is gone before anybody could look there
        told = problem.what.replace(f"{(root / manifest.artefacts).resolve()}/", f"{manifest.artefacts}/")
        raise Unreachable(told, manifest.artefacts, problem.fix) from problem
    try:
        with ExitStack() as held:
            yield OpenModel(process, manifest, held, deadline)
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
