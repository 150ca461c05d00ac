"""`python -m tests.faults [WORD]`: plant every fault (whose file or name contains WORD), say which ones nobody notices.

Leaves with 1 when a fault survives.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults.gathered import FAULTS, Fault
from tests.faults.run import copy_source, is_noticed


def main(words: list[str]) -> int:
    """Run the chosen faults and print a line for each that survives, then the count by file."""
    chosen = [fault for fault in FAULTS if all(word in f"{fault.file} {fault.name}" for word in words)]
    killed: Counter[str] = Counter()
    survivors: list[Fault] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_source(Path(folder))
        for fault in chosen:
            if is_noticed(fault, copy):
                killed[fault.file] += 1
            else:
                survivors.append(fault)
                print(f"SURVIVED  {fault.file}: {fault.name}", flush=True)
    for file in dict.fromkeys(fault.file for fault in chosen):
        total = sum(fault.file == file for fault in chosen)
        print(f"{killed[file]:>3} of {total:<3} caught  {file}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
