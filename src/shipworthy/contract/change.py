"""The change digest: the one name of a change, which the deliberation note is stamped with.

In: the manifest, the list of the repository's files, and the digest of each one's bytes. Out: which files belong to the
change, and its digest. Code, data, dependency lock file, policy, pack and its cases belong, and so does the manifest:
it names the build command and the declared ranges. Weights, card, note and `shipworthy.lock` do not: they come after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from shipworthy.contract import card, note, pack, slos
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.pack import case_files
from shipworthy.facts import Case, Digest, digest

MANIFEST = "shipworthy.yaml"
LOCK = "shipworthy.lock"
TERMS = f"{MANIFEST}#build"
_TERMS = (
    *("adapter", "artefacts", "build", "code", "datasets", "decisions", "features", "label", "lockfile"),
    *("review", "unit"),
)
_NEVER = frozenset({card.FILE, note.FILE, LOCK})


def change_files(manifest: Manifest, names: Iterable[str], cases: Iterable[Case] = ()) -> tuple[str, ...]:
    """Return those of the repository's files (relative, `/`) that belong to the change, sorted."""
    named = {MANIFEST, slos.FILE, pack.FILE, manifest.lockfile or MANIFEST, *data_files(manifest)}
    named |= {path for case in cases for path in case_files(case)} | assistant_files(manifest)
    patterns = [_pattern(pattern) for pattern in (*manifest.code, pack.FOLDER)]
    weights = _pattern(manifest.artefacts)
    return tuple(
        sorted(
            name
            for name in set(names) - _NEVER
            if name in named or (any(pattern.fullmatch(name) for pattern in patterns) and not weights.fullmatch(name))
        )
    )


def build_files(manifest: Manifest, names: Iterable[str]) -> tuple[str, ...]:
    """Return those of the change's files that a build may see: manifest, code, data and lock file.

    Not the policy and not the pack: what is made must not be fitted to the bar it will be judged by.
    """
    bar = {slos.FILE, pack.FILE}
    cases = _pattern(pack.FOLDER)
    kept = [*(_pattern(pattern) for pattern in manifest.code), *(_pattern(name) for name in data_files(manifest))]
    return tuple(
        name
        for name in change_files(manifest, names)
        if name not in bar and (not cases.fullmatch(name) or any(pattern.fullmatch(name) for pattern in kept))
    )


def build_terms(manifest: Manifest) -> Digest:
    """Return the digest of what the manifest tells a build. People, stages and roles change without another build."""
    return digest({key: getattr(manifest, key) for key in _TERMS})


def data_files(manifest: Manifest) -> frozenset[str]:
    """Return the files that hold data: those of the datasets and of the data record."""
    return frozenset(
        [dataset.path for dataset in manifest.datasets.values()] + [source.file for source in manifest.data_sources]
    )


def assistant_files(manifest: Manifest) -> frozenset[str]:
    """Return what may be files of the assistant: its system prompt, and every word of the command that starts it."""
    one = manifest.assistant
    if one is None:
        return frozenset()
    words = {word.removeprefix("./") for word in one.command} | ({one.system} if one.system is not None else set())
    weights = _pattern(manifest.artefacts)  # these are bound as the artefact
    return frozenset(word for word in words if not weights.fullmatch(word))


def change_digest(digests: Mapping[str, Digest]) -> Digest:
    """Return the digest of the change: over each file's path and the digest of its bytes.

    >>> a = change_digest({"train.py": "sha256:aa", "b.csv": "sha256:bb"})
    >>> a == change_digest({"b.csv": "sha256:bb", "train.py": "sha256:aa"}) != change_digest({"train.py": "sha256:aa"})
    True
    """
    return digest(dict(sorted(digests.items())))


def matches(pattern: str, name: str) -> bool:
    """True when a path is the file, lies in the folder, or fits the glob (`*` within a folder, `**` across folders).

    >>> [matches(pattern, "src/a/b.py") for pattern in ("src", "src/a/b.py", "src/**/*.py", "src/*.py", "s")]
    [True, True, True, False, False]
    """
    return _pattern(pattern).fullmatch(name) is not None


def _pattern(pattern: str) -> re.Pattern[str]:
    told = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/").removeprefix("./")):
        told += {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}.get(part, re.escape(part))
    return re.compile(rf"{told}(?:/.*)?", re.DOTALL)
