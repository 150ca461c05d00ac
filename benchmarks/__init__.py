"""Figures against peers: each file states one claim, measures it interleaved with a peer, and asserts nothing on time.

Numerical libraries get one thread each, here, before any of them is imported: two processes with a thread per core
each would measure the scheduler.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
