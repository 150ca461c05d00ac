"""Starting must stay light: what a hook or a pager calls loads no numerical library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "sklearn", "pandas", "scipy", "torch", "rich", "starlette", "uvicorn"}


def loaded_by(code: str, cwd: Path | None = None) -> set[str]:
    tail = "\nimport sys; print('MODULES', *sorted({name.split('.')[0] for name in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, cwd=cwd, check=True)
    line = next(line for line in ran.stdout.splitlines() if line.startswith("MODULES"))
    return set(line.split()[1:])


def test_importing_the_package_loads_nothing() -> None:
    loaded = loaded_by("import shipworthy")
    assert not loaded & (HEAVY | {"msgspec", "yaml", "click", "cryptography", "apsw"})


@pytest.mark.parametrize(
    "module",
    [
        "shipworthy.decide",
        "shipworthy.expr",
        "shipworthy.indicators",
        "shipworthy.stats.bounds",
        "shipworthy.contract.files.reader",
        "shipworthy.ledger.files.log",
        "shipworthy.cli",
        "shipworthy.flows.posture",
        "shipworthy.flows.gate",
    ],
)
def test_the_judge_the_contract_and_the_ledger_need_no_numbers_library(module: str) -> None:
    assert not loaded_by(f"import {module}") & HEAVY


def test_check_loads_neither_numpy_nor_scikit_learn(tmp_path: Path) -> None:
    code = "from shipworthy.cli import main\ntry:\n    main(['check'])\nexcept SystemExit:\n    pass"
    assert not loaded_by(code, tmp_path) & HEAVY


def test_the_gateway_never_loads_scikit_learn() -> None:
    assert not loaded_by("import shipworthy.runtime.serve") & {"sklearn", "scipy", "skops", "pandas", "rich"}
