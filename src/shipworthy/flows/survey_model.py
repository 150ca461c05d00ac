"""Find the model file and the code that makes it. A model file is looked at by name only: nothing is ever loaded.

In: the folder and the names of its files. Out: the training script with everything of the project that it imports, and
the skops archive it writes or that lies here. A pickle is not opened: opening one runs whatever it holds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from shipworthy.errors import UsageError

ARCHIVE = ".skops"
PICKLES = (".joblib", ".pkl", ".pickle")
SCRIPTS = ("train.py", "training.py", "train_model.py", "fit.py", "build_model.py")
_WRITES = re.compile(r"""["']([\w./-]+\.skops)["']""")
_SAVE = 'skops.io.dump(model, "model/model.skops")'


class ModelFile(msgspec.Struct, frozen=True):
    """Where the model is or will be: `file` inside the folder `artefacts`; `todo` is what must be done first."""

    artefacts: str
    file: str
    todo: tuple[str, ...] = ()


def training_script(names: Sequence[str]) -> str | None:
    """Return the training script: a known name, the nearest to the root."""
    found = [name for name in names if name.rpartition("/")[2] in SCRIPTS and not name.startswith("tests/")]
    return min(found, key=lambda name: (name.count("/"), SCRIPTS.index(name.rpartition("/")[2]), name), default=None)


def models_in(names: Sequence[str]) -> list[str]:
    """Return the files that hold a model by their names, whether they can be opened or not."""
    return [name for name in names if name.endswith((ARCHIVE, *PICKLES, ".onnx"))]


def model_file(folder: Path, names: Sequence[str], script: str | None, named: str | None) -> ModelFile:
    """Return the archive that was named, lies here, or is written by the script. Raises UsageError without any."""
    found = [named] if named else [name for name in names if name.endswith(ARCHIVE)]
    if named and (named not in names or not named.endswith(ARCHIVE)):
        raise UsageError(f"no skops archive {named!r}", "--model", _SAVE)
    if len(found) > 1:
        raise UsageError(f"several models: {', '.join(found[:4])}", "the model", "say --model FILE.skops")
    others = [name for name in models_in(names) if not name.endswith(ARCHIVE)]
    if not found and script is None:
        raise UsageError(_unopened(others), "the model", f"save it in the environment that trained it: {_SAVE}")
    path = found[0] if found else _written(folder, script) or ""
    if found or path:
        place, _, file = path.rpartition("/")
        if not place:
            raise UsageError(f"{path} has no folder of its own", "the model", "write it to model/model.skops")
        return ModelFile(place, file)
    told = f"{_unopened(others)}; let {script} write one: {_SAVE}"
    return ModelFile("model", "model.skops", (told,))


def _unopened(others: Sequence[str]) -> str:
    """Say why no model file that lies here can be opened."""
    pickled = next((name for name in others if name.endswith(PICKLES)), None)
    if pickled:
        return f"{pickled} is a pickle: opening one runs whatever it holds, so only skops archives are opened"
    return f"{others[0]} is ONNX, which no adapter opens" if others else "no model file is here, and no training script"


def _written(folder: Path, script: str | None) -> str | None:
    """Return the one skops path that the training script names, None when it names none or several."""
    paths = set(_WRITES.findall((folder / script).read_text(encoding="utf-8", errors="replace"))) if script else set()
    return paths.pop().removeprefix("./") if len(paths) == 1 else None


def code_of(folder: Path, names: Sequence[str], script: str) -> tuple[str, ...]:
    """Return the script and every file of the project that it imports, near or far."""
    found, open_ = [script], [script]
    while open_:
        for name in _imported(folder, names, open_.pop()):
            if name not in found:
                found.append(name)
                open_.append(name)
    return tuple(found)


def _imported(folder: Path, names: Sequence[str], file: str) -> Iterable[str]:
    try:
        tree = ast.parse((folder / file).read_bytes())
    except (SyntaxError, ValueError):
        raise UsageError("not Python that can be read", file, "mend it, or name the code by hand") from None
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    beside = file.rpartition("/")[0]
    for module in modules:
        path = module.replace(".", "/")
        for place in dict.fromkeys((beside, "", "src")):
            for candidate in (f"{path}.py", f"{path}/__init__.py"):
                name = f"{place}/{candidate}".lstrip("/")
                if name in names:
                    yield name
