"""Everything here runs when it is loaded, which is shown first; then the scan of the same bytes must not be clean."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shipworthy.artifact.scan import Severity, scan_bytes
from tests.artifact.payloads import payloads, plain

# Only the standard library, numpy, joblib and PyYAML: what a victim has installed anyway.
CHILD = """
import bz2, gzip, io, json, pickle, resource, sys, warnings, zipfile
import joblib, numpy, yaml
warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

class Resolving(pickle.Unpickler):
    def persistent_load(self, key):
        return eval(key)

def twice(path):
    with open(path, "rb") as file:
        pickle.load(file), pickle.load(file)

def array_then_pickle(path):
    with open(path, "rb") as file:
        numpy.load(file), pickle.load(file)

def zip_in_zip(path):
    inner = zipfile.ZipFile(path).read("in.zip")
    pickle.loads(zipfile.ZipFile(io.BytesIO(inner)).read("archive/data.pkl"))

def by_pickle(path):
    with open(path, "rb") as file:
        return pickle.load(file)

LOADERS = {
    "pickle": by_pickle,
    "pickle from memory": lambda path: pickle.load(io.BytesIO(open(path, "rb").read())),
    "pickle in Python": lambda path: pickle._Unpickler(open(path, "rb")).load(),
    "gzip": lambda path: pickle.load(gzip.open(path)),
    "bz2": lambda path: pickle.load(bz2.open(path)),
    "joblib": joblib.load,
    "twice": twice,
    "array then pickle": array_then_pickle,
    "numpy": lambda path: numpy.load(path, allow_pickle=True),
    "npz": lambda path: numpy.load(path, allow_pickle=True)["a"],
    "zipped pickle": lambda path: pickle.loads(zipfile.ZipFile(path).read("archive/data.pkl")),
    "zip in zip": zip_in_zip,
    "yaml": lambda path: yaml.unsafe_load(open(path)),
    "persistent": lambda path: Resolving(open(path, "rb")).load(),
}
for load, path in json.load(sys.stdin):
    try:
        LOADERS[load](path)
    except BaseException as error:
        print(path, type(error).__name__, error, file=sys.stderr)
"""


class Ran:
    """All payloads on disk, loaded once in a child process; `made` tells which of them did something."""

    def __init__(self, top: Path) -> None:
        for name in ("marks", "helpers", "files"):
            (top / name).mkdir()
        self.payloads = {one.what: one for one in payloads(top)}
        todo = []
        for number, one in enumerate(self.payloads.values()):
            path = top / "files" / f"{number}-{one.file}"
            path.write_bytes(one.raw)
            todo.append((one.load, str(path)))
        ran = subprocess.run(
            [sys.executable, "-c", CHILD],
            input=json.dumps(todo),
            cwd=top / "helpers",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.told = ran.stderr + f"left with {ran.returncode}"
        made = {path.name.removesuffix(".npy") for path in (top / "marks").iterdir()}
        self.made = {what for what in self.payloads if plain(what) in made}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(tmp_path_factory.mktemp("payloads"))


@pytest.mark.slow
def test_every_payload_runs_when_it_is_loaded(ran: Ran) -> None:
    """A payload that does nothing would show nothing about the scanner."""
    assert len(ran.payloads) >= 120
    silent = set(ran.payloads) - ran.made - {one.what for one in ran.payloads.values() if one.old_only}
    assert sorted(silent) == [], ran.told[-4000:]


@pytest.mark.slow
def test_no_payload_is_clean(ran: Ran) -> None:
    for one in ran.payloads.values():
        found = scan_bytes(one.file, one.raw)
        assert any(finding.severity is Severity.UNSAFE for finding in found), one.what
