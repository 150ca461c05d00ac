"""A clean room holds what was asked for and nothing else; a fenced command has no network, and says when it has one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipworthy.artifact.digests import digest
from shipworthy.artifact.run import fence
from shipworthy.artifact.run.clean_room import clean_room, put_in_place, run_fenced
from shipworthy.errors import CannotDecide

ENVIRONMENT = {"PATH": os.environ["PATH"]}
STARTS = "import subprocess; p = subprocess.Popen(['sleep', '60']); open('pid', 'w').write(str(p.pid))"
ASK = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    try:
        one.connect(("127.0.0.1", 9))
        print("reached")
    except OSError:
        print("unreachable")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of three files, one of them a secret."""
    folder = tmp_path / "root"
    (folder / "data").mkdir(parents=True)
    (folder / "train.py").write_text("print(1)\n")
    (folder / "data/rows.csv").write_text("a\n1\n")
    (folder / "secret.pem").write_text("key")
    return folder


def test_a_room_holds_copies_of_the_asked_files_alone(root: Path) -> None:
    with clean_room(root, ["train.py", "data/rows.csv"]) as room:
        there = sorted(str(path.relative_to(room.folder)) for path in room.folder.rglob("*") if path.is_file())
        assert there == ["data/rows.csv", "train.py"]
        assert room.materials == {"train.py": digest(b"print(1)\n"), "data/rows.csv": digest(b"a\n1\n")}
        (room.folder / "train.py").write_text("changed")
        kept = room.folder
    assert not kept.exists()
    assert (root / "train.py").read_text() == "print(1)\n"


def test_two_rooms_have_two_paths(root: Path) -> None:
    with clean_room(root, ["train.py"]) as one, clean_room(root, ["train.py"]) as other:
        assert one.folder != other.folder


def test_a_link_does_not_come_into_a_room(root: Path) -> None:
    (root / "linked.csv").symlink_to(root / "secret.pem")
    with pytest.raises(CannotDecide), clean_room(root, ["linked.csv"]):
        pass


def test_a_fenced_command_reaches_nothing_and_an_open_one_says_so(tmp_path: Path) -> None:
    ran = run_fenced(["python", "-c", ASK], tmp_path, ENVIRONMENT, 30)
    assert (ran.code, ran.network, ran.told.strip()) in ((0, "none", "unreachable"), (0, "open", "reached"))


@pytest.mark.skipif(not fence.can_enter(), reason="this system allows no user namespaces")
def test_the_fence_stands_where_the_system_allows_it(tmp_path: Path) -> None:
    assert run_fenced(["python", "-c", ASK], tmp_path, ENVIRONMENT, 30).network == "none"


def test_where_no_fence_is_allowed_the_network_is_said_to_be_open(tmp_path: Path) -> None:
    """The limit on user namespaces of an outer one stands for a system that forbids them."""
    if not fence.can_enter() or shutil.which("unshare") is None:
        pytest.skip("this system allows no user namespaces at all: the test above saw `open`")
    code = (
        "import sys; from pathlib import Path; from shipworthy.artifact.run.clean_room import run_fenced;"
        "Path('/proc/sys/user/max_user_namespaces').write_text('0');"
        f"print(run_fenced(['true'], Path({str(tmp_path)!r}), {ENVIRONMENT!r}, 30).network)"
    )
    outer = ["unshare", "--user", "--map-root-user", sys.executable, "-c", code]
    ran = subprocess.run(outer, capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "open", ran.stderr


def test_a_command_sees_a_fresh_home_and_no_more_than_the_given_environment(tmp_path: Path) -> None:
    show = "import os; print(sorted(os.environ), os.listdir(os.environ['HOME']), os.getuid())"
    ran = run_fenced(["python", "-c", show], tmp_path, {**ENVIRONMENT, "A": "1"}, 30)
    known = {"A", "HOME", "PATH", "TMPDIR", "LC_CTYPE"}  # Python itself sets LC_CTYPE
    names = set(eval(ran.told.partition("]")[0] + "]"))
    assert names <= known
    assert f"[] {os.getuid()}" in ran.told


def test_what_a_command_leaves_with_and_says_is_told(tmp_path: Path) -> None:
    ran = run_fenced(["python", "-c", "import sys; print('one'); sys.exit('two')"], tmp_path, ENVIRONMENT, 30)
    assert ran.code == 1
    assert sorted(ran.told.split()) == ["one", "two"]
    ran = run_fenced(["no-such-command"], tmp_path, ENVIRONMENT, 30)
    assert ran.code == fence.NOT_FOUND
    assert "no-such-command" in ran.told


def test_a_command_that_never_ends_is_ended_with_all_it_started(tmp_path: Path) -> None:
    code = STARTS + "; import time; time.sleep(60)"
    with pytest.raises(CannotDecide, match="longer than"):
        run_fenced(["python", "-c", code], tmp_path, ENVIRONMENT, 3)
    assert _is_gone(int((tmp_path / "pid").read_text()))


def test_what_a_finished_command_leaves_running_is_ended(tmp_path: Path) -> None:
    assert run_fenced(["python", "-c", STARTS], tmp_path, ENVIRONMENT, 30).code == 0
    assert _is_gone(int((tmp_path / "pid").read_text()))


def _is_gone(pid: int) -> bool:
    """True once the process is dead, or waits to be reaped; a busy machine may take its time."""
    for _ in range(1500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def test_a_folder_is_put_in_place_whole(tmp_path: Path) -> None:
    made, target, aside = tmp_path / "made", tmp_path / "out/model", tmp_path / "aside"
    made.mkdir()
    (made / "a").write_text("1")
    put_in_place(made, target, aside)
    assert [path.name for path in target.iterdir()] == ["a"]
    (made / "a").rename(made / "b")
    put_in_place(made, target, aside)
    assert [path.name for path in target.iterdir()] == ["b"], "nothing of what stood there is left"
    assert list(aside.iterdir()) == []
