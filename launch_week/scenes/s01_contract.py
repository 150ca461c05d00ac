"""Scene 1: the contract is clean, and every way to break it is refused at once with file, line, column and a fix."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from launch_week.world import World

WINDOW = 'window: "7d"'
_LINE = re.compile(r"^[\w./-]+:\d+:\d+: .+ — .+", re.MULTILINE)


def play(world: World) -> None:
    """Make keys, stamp the note, check; then break copies of the repository one by one."""
    say = world.record
    say.scene(1, "The contract: clean, and refused at once when it is not")
    world.verb("keys", "new").expect()
    world.verb("note").expect()
    clean = world.verb("check")
    say.claim("`check` is clean on version 1", clean.code == 0, "exit 0, development keys warned about")
    not_green = [name for name in ("drill", "same bits", "ledger", "quorum") if name in clean.out]
    say.claim(
        "drill, same bits, shared ledger and quorum are warned about or not claimed", len(not_green) == 4, not_green
    )
    broken: list[tuple[str, int, str, Callable[[Path], None]]] = [
        ("a missing note", 3, "deliberation-note.md", lambda repo: (repo / "deliberation-note.md").unlink()),
        (
            "a note of another change",
            4,
            "another change",
            lambda repo: _append(repo / "train.py", "\n# one more line\n"),
        ),
        (
            "a duplicated `target:` key",
            3,
            "target",
            lambda repo: _replace(repo, WINDOW, f'target: ">= 0.10"\n    {WINDOW}'),
        ),
        (
            "an unknown indicator",
            3,
            "ood_recal",
            lambda repo: _replace(repo, "name: ood_recall_7d", "name: ood_recal_7d"),
        ),
    ]
    started = []
    for number, (_, _, _, spoil) in enumerate(broken):
        repo = world.run / f"broken-{number}"
        shutil.copytree(world.repo, repo)
        spoil(repo)
        started.append(world.start_verb("check", repo=repo))
    for (what, code, names, _), process in zip(broken, started, strict=True):
        ran = world.finish(process)
        told = next((line for line in _LINE.findall(ran.err) if names in line), "")
        say.claim(f"{what} is refused", ran.code == code and bool(told), f"exit {ran.code}: {told[:150]}")


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def _replace(repo: Path, old: str, new: str) -> None:
    path = repo / "safety-slos.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
