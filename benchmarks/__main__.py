"""Run benchmarks and print their tables: `python -m benchmarks [name …]`. Nothing is written into the repository."""

from __future__ import annotations

import argparse
import platform
import sys
from importlib import import_module
from importlib.metadata import version
from time import perf_counter

from benchmarks.harness import show

NAMES = (
    "startup", "evaluation", "attacks", "text_attacks", "poison", "fairness", "target_audit", "redteam", "strength",
    "bounds", "sequential", "rollout", "calibration", "ood", "ood_quality", "drift", "windows", "telemetry", "localise",
    "monitor", "abuse", "batch", "gateway", "upstream", "throttle", "degrade", "lossless", "ledger", "signing",
    "scanner", "gate_rules",
)  # fmt: skip
PEERS = ("model-signing", "scikit-learn", "scipy", "numpy", "uvloop", "httptools", "apsw")


def main(args: list[str]) -> int:
    """Run the named benchmarks, all of them by default."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Figures against peers; a ratio above 1 is ours.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(NAMES)}; all by default")
    names = parser.parse_args(args).names or NAMES
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    print(f"Python {platform.python_version()}, " + ", ".join(f"{peer} {version(peer)}" for peer in PEERS))
    for name in names:
        module, start = import_module(f"benchmarks.{name}"), perf_counter()
        print(f"\n{name}: {(module.__doc__ or '').split(chr(10), 1)[0]}")
        told = module.run()
        print(told if isinstance(told, str) else show(told))
        print(f"({perf_counter() - start:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
