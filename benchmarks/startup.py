"""Claim: `shipworthy check` is done before scikit-learn or the model_signing package is even imported.

Whole processes, from start to exit: `shipworthy --help` and `shipworthy check` on a copy of the example repository,
against an interpreter that imports one library and does nothing. numpy alone is the lightest of them and the one to
look at critically. An interpreter that imports nothing is the floor.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import Result, compare

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "claims-triage"
IMPORTS = ("import numpy", "import sklearn", "import model_signing")
ROUNDS = 5


def run() -> list[Result]:
    """Return the time of a whole process."""
    with tempfile.TemporaryDirectory() as top:
        repository = Path(top) / "repository"
        shutil.copytree(EXAMPLE, repository)
        help_, check = _command("--help"), _command("--root", str(repository), "check")
        return [
            *(compare("shipworthy --help", f"python: {code}", help_, _code(code), rounds=ROUNDS) for code in IMPORTS),
            *(compare("shipworthy check", f"python: {code}", check, _code(code), rounds=ROUNDS) for code in IMPORTS),
            compare("shipworthy --help", "python: pass (the floor)", help_, _code("pass"), rounds=ROUNDS),
        ]


def _command(*args: str) -> Callable[[], None]:
    return _process("-m", "shipworthy", *args)


def _code(code: str) -> Callable[[], None]:
    return _process("-c", code)


def _process(*args: str) -> Callable[[], None]:
    def job() -> None:
        # 3 is an answer too: `check` found problems, as in an example whose keys are not made yet. A crash is none.
        ran = subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False)
        if ran.returncode not in (0, 3):
            raise RuntimeError(f"{' '.join(args)} left with {ran.returncode}:\n{ran.stderr}")

    return job
