"""What is pinned for a build, and what a build stands on: environment, platform, installed distributions.

In: this machine. Out: plain texts. Nothing numerical is loaded here, so that it can be pinned before it is.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path

HASH_SEED = "PYTHONHASHSEED"


def pins() -> dict[str, str]:
    """Return the environment that is pinned for builds: seeds, threads, BLAS core type, time, locale (DECISIONS §7).

    Sums depend on threads and on the BLAS kernel, archives on the time, sets on the hash seed.
    """
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return {
        HASH_SEED: "0",
        **dict.fromkeys(threads, "1"),
        **_core_type(),
        "MKL_CBWR": "COMPATIBLE",
        "SOURCE_DATE_EPOCH": "315532800",  # 1980-01-01, the earliest a zip archive can say
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
    }


def pin_this_process() -> None:
    """Pin threads and BLAS core type of this process, which fits profile and thresholds.

    Only heeded by numerical libraries that are loaded afterwards, so call it before the first of them.
    """
    os.environ.update({name: value for name, value in pins().items() if name.startswith(("OMP", "OPENBLAS", "MKL"))})


def _core_type() -> dict[str, str]:
    """The BLAS kernel that every machine of this kind has, where one can be named."""
    machine = platform.machine()
    if machine == "aarch64":
        return {"OPENBLAS_CORETYPE": "ARMV8"}
    if machine != "x86_64":
        return {}
    flags = Path("/proc/cpuinfo")
    has_avx2 = flags.is_file() and " avx2 " in flags.read_text(encoding="utf-8", errors="replace")
    return {"OPENBLAS_CORETYPE": "Haswell" if has_avx2 else "Prescott"}


def distributions() -> dict[str, str]:
    """Return what is installed for the interpreter that builds: version by name."""
    known = (one.metadata for one in importlib.metadata.distributions())  # parsed once for both words
    return {str(one["Name"]): str(one["Version"]) for one in known}


def platform_name() -> str:
    """Return system, machine and Python, such as `linux-x86_64-cpython-3.11.9`."""
    return f"{sys.platform}-{platform.machine()}-{sys.implementation.name}-{platform.python_version()}"
