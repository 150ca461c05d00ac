"""Begin: write a first contract into an existing project, as far as a machine can know it.

In: the repository and what the caller says. Out: the files written, those kept as they were, and what only people can
do. Nothing that exists is overwritten. What cannot be read off the project (the objective, how a proxy fails, who was
heard) stands there in the template's words, which `check` refuses one by one: the contract is red until somebody says
it. Development keys are made beside it, marked `dev`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from os.path import lexists
from pathlib import Path

import msgspec

from shipworthy.contract import card, note, pack, slos
from shipworthy.contract.change import MANIFEST
from shipworthy.contract.files.reader import read_manifest as read_from
from shipworthy.contract.files.root import Root
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.manifest_reader import read_manifest
from shipworthy.contract.schema_files import FOLDER, SCHEMAS
from shipworthy.contract.starter import review_text
from shipworthy.contract.starter.columns import Row
from shipworthy.contract.starter.pack_text import pack_text
from shipworthy.contract.starter.policy_text import PROXIES, policy_text
from shipworthy.errors import ContractError, UsageError
from shipworthy.flows.keys import new_keys
from shipworthy.flows.model import all_datasets
from shipworthy.flows.survey import Survey, Told, survey
from shipworthy.runtime.workspace import Workspace

TABULAR, TEXT = "tabular", "text"
_KEPT = Survey(
    manifest="",
    rows={},
    copies={},
    todo=(f"{MANIFEST} was here: nothing was looked for, the rest was made to fit it",),
)


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What was done. In a dry run `written` is what would be."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    todo: tuple[str, ...]


def begin(workspace: Workspace, told: Told, template: str = TABULAR, dry_run: bool = False) -> Begun:
    """Write what is missing of a contract. Raises UsageError where going on would be a guess; nothing is written then.

    With a manifest in place the rest is made to fit it; ContractError tells when it is invalid.
    """
    if template not in (TABULAR, TEXT):
        what = f"no template for {template} models yet"
        raise UsageError(what, "--template", "classifiers of tables (leave the option out) or of texts (text)")
    root = workspace.root
    seen = _KEPT if (root / MANIFEST).exists() else survey(root, told, template == TEXT)
    manifest, rows = _manifest(root, seen)
    texts = {MANIFEST: seen.manifest, **seen.copies, **_texts(manifest, rows, workspace.now()[:10]), **_schemas()}
    there = {name.lower() for name in Root(root).names()}
    kept = tuple(name for name in texts if lexists(root / name) or (name.endswith(".md") and name.lower() in there))
    _same_copies(root, seen.copies)
    fresh = {name: text for name, text in texts.items() if name not in kept}
    ignored, advice = review_text.ignored_text(_text_of(root / review_text.IGNORE))
    if ignored != _text_of(root / review_text.IGNORE):
        fresh[review_text.IGNORE] = ignored
    keys: Sequence[str] = ()
    if not dry_run:
        _write(root, fresh)
        keys = [path.relative_to(root.resolve()).as_posix() for path in new_keys(workspace, manifest)]
    todo = (*seen.todo, *([advice] if advice else []))
    return Begun(written=(*fresh, *keys), kept=kept, todo=todo)


def _manifest(root: Path, seen: Survey) -> tuple[Manifest, Mapping[str, Sequence[Row]]]:
    """Return the manifest that will stand, and the rows of its datasets."""
    if not seen.manifest:
        there = read_from(root)
        return there, all_datasets(root, there)
    manifest, _, problems = read_manifest(seen.manifest)
    if manifest is None:
        raise ContractError("\n".join(str(one) for one in problems), MANIFEST, "write this manifest by hand")
    return manifest, seen.rows


def _texts(manifest: Manifest, rows: Mapping[str, Sequence[Row]], date: str) -> dict[str, str]:
    test, calibration = rows.get("test", ()), rows.get("calibration", ())
    return {
        card.FILE: card.template(manifest.model, manifest.version, PROXIES),
        note.FILE: note.template(manifest.owner, date),
        slos.FILE: policy_text(manifest, test),
        pack.FILE: pack_text(manifest, test, len(calibration)),
        review_text.PULL_REQUEST: review_text.pull_request_text(),
        review_text.WORKFLOW: review_text.workflow_text(manifest),
    }


def _schemas() -> dict[str, str]:
    """Return the JSON Schemas as the package ships them."""
    shipped = files("shipworthy.contract") / "schemas"
    return {f"{FOLDER}/{name}": (shipped / name).read_text(encoding="utf-8") for name in SCHEMAS.values()}


def _same_copies(root: Path, copies: Mapping[str, str]) -> None:
    """A copy of rows that were others then must not be taken for one of these."""
    for name, text in copies.items():
        if (root / name).exists() and _text_of(root / name) != text:
            raise UsageError("there is an older copy with other rows", name, "remove it and run init again")


def _text_of(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise UsageError("not a plain file", path.name, "mend it, then run init again")
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeError) as problem:
        raise UsageError("cannot be read as UTF-8 text", path.name, "mend it, then run init again") from problem


def _write(root: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as problem:
            why = f"cannot be written: {problem.strerror}"
            raise UsageError(why, name, "make the place writable, then run init again") from problem
