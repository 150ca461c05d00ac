"""A repository in one piece of bytes, and opened again elsewhere: what a worker on another machine is given.

In: the repository's files. Out: a zip with their bytes, and on the other side a bench over a folder that is gone
afterwards. Only plain files by the names that the contract listed; links and paths that lead out are refused.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from shipworthy.errors import CannotDecide
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.metered import Limit

_EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(root: Path, files: Sequence[str]) -> bytes:
    """Return the files of `root` as a zip; the same files give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            path = root / name
            if path.is_symlink() or not path.is_file():
                raise CannotDecide("not a plain file", name, "an evaluation elsewhere needs every file itself")
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), path.read_bytes())
    return made.getvalue()


@contextmanager
def opened_packed(content: bytes) -> Iterator[tuple[Bench, Limit | None]]:
    """Unpack and open the bench for the length of the block."""
    from shipworthy.flows.evaluate import opened

    with tempfile.TemporaryDirectory(prefix="shipworthy-worker-") as kept:
        root = Path(kept) / "repository"
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                    raise CannotDecide("leads out of the repository", name)
            archive.extractall(root)
        with opened(str(root)) as found:
            yield found
