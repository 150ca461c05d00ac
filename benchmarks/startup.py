"""Claims: `shipworthy check` is done before scikit-learn or the model_signing package is even imported; it costs at
most ten times the CPU of an interpreter that does nothing, and 120 ms; a full gate with its evidence 25 times.

Whole processes, from start to exit: `shipworthy --help` and `shipworthy check` on a copy of the example repository,
against an interpreter that imports one library and does nothing. numpy alone is the lightest of them and the one to
look at critically. An interpreter that imports nothing is the floor. Then CPU seconds against that floor, with the
example stamped, built, signed and evaluated, which takes a minute. Modules are compiled before, as an installer does.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.harness import Result, compare

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "claims-triage"
IMPORTS = ("import numpy", "import sklearn", "import model_signing")
FLOOR = "python: pass (the floor)"
ROUNDS = 5
CPU_ROUNDS = 11
PREPARE = (("keys", "new"), ("note",), ("build",), ("sign",), ("evaluate",))


def run() -> list[Result]:
    """Return the time of a whole process, then its CPU time as a multiple of a bare interpreter's."""
    with tempfile.TemporaryDirectory() as top:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(Path(top) / "compiled")
        repository = Path(top) / "repository"
        shutil.copytree(EXAMPLE, repository)
        here = ("-m", "shipworthy", "--root", str(repository))
        help_, check = _process(environment, "-m", "shipworthy", "--help"), _process(environment, *here, "check")
        imports = {code: _process(environment, "-c", code) for code in (*IMPORTS, "pass")}
        results = [
            *(compare("shipworthy --help", f"python: {code}", help_, imports[code], rounds=ROUNDS) for code in IMPORTS),
            *(compare("shipworthy check", f"python: {code}", check, imports[code], rounds=ROUNDS) for code in IMPORTS),
            compare("shipworthy --help", FLOOR, help_, imports["pass"], rounds=ROUNDS),
            compare("shipworthy check", FLOOR, check, imports["pass"], rounds=ROUNDS),
        ]
        for verb in PREPARE:
            _process(environment, *here, *verb)()
        return [
            *results,
            _cpu("shipworthy check, CPU", check, imports["pass"], 10),
            _cpu("shipworthy gate, CPU", _process(environment, *here, "gate"), imports["pass"], 25),
        ]


def _cpu(what: str, ours: Callable[[], float], floor: Callable[[], float], most: float) -> Result:
    """Compare CPU seconds; the remark says how many bare interpreters it costs, and how many it may."""
    ours(), floor()
    pairs = [(ours(), floor()) for _ in range(CPU_ROUNDS)]
    times = median(one / other for one, other in pairs)
    return Result(
        what=what,
        peer=FLOOR,
        ours_s=median(one for one, _ in pairs),
        peer_s=median(other for _, other in pairs),
        ratios=tuple(other / one for one, other in pairs),
        note=f"{times:.1f} times the floor, at most {most:g}: {'kept' if times <= most else 'BROKEN'}",
    )


def _process(environment: dict[str, str], *args: str) -> Callable[[], float]:
    def job() -> float:
        """Return the CPU seconds of one process."""
        before = _children_s()
        # 3 is an answer too: `check` found problems, as in an example whose keys are not made yet. A crash is none.
        command = [sys.executable, *args]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if ran.returncode not in (0, 3):
            raise RuntimeError(f"{' '.join(args)} left with {ran.returncode}:\n{ran.stderr}")
        return _children_s() - before

    return job


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
