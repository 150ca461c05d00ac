"""Plant one fault in a copy of the source and run the tests of its room against that copy.

In: a fault and a folder for the copy. Out: whether a test noticed. The copy goes first on the search path, so that the
tests as they stand meet the source as it would be.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.faults.planted import Fault

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "shipworthy"
RAN = (0, 1, 2)  # pytest's codes for passed, failed, and a file that could not even be imported
LIMIT_S = 120


def copy_source(to: Path) -> Path:
    """Copy the package; return the folder to put on the search path."""
    shutil.copytree(SOURCE, to / "shipworthy", ignore=shutil.ignore_patterns("__pycache__"))
    return to


def mutated(fault: Fault) -> str:
    """Return the file with the fault in it. Raises ValueError unless its text stands there exactly once."""
    text = (SOURCE / fault.file).read_text(encoding="utf-8")
    if text.count(fault.old) != 1:
        raise ValueError(f"{fault.file}: {fault.name}: {text.count(fault.old)} times {fault.old!r}")
    return text.replace(fault.old, fault.new)


def is_noticed(fault: Fault, copy: Path) -> bool:
    """True when a test of the room fails. Raises RuntimeError when the tests did not run at all."""
    path = copy / "shipworthy" / fault.file
    path.write_text(mutated(fault), encoding="utf-8")
    try:
        code, told = run_tests(fault.tests, copy)
    finally:
        shutil.copyfile(SOURCE / fault.file, path)
    if code not in RAN:
        raise RuntimeError(f"{fault.name}: pytest left with {code}:\n{told[-2000:]}")
    return code != 0


def run_tests(tests: str, copy: Path) -> tuple[int, str]:
    """Run test files against the copy; return the exit code of pytest and what it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment |= {
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / "hypothesis"),
    }
    pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    command = [*pytest, *tests.split()]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr
