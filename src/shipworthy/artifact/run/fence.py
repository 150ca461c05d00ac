"""`python -m shipworthy.artifact.run.fence FD COMMAND…`: become COMMAND, without network where the system allows.

Writes `none` or `open` to the file descriptor FD before it becomes the command, so that what is recorded comes from the
very process that ran. The fence is a user namespace with a network namespace that has nothing in it, not even loopback
(user_namespaces(7), network_namespaces(7)); some systems forbid these to ordinary users, and then nothing is pretended.
"""

from __future__ import annotations

import ctypes
import os
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
NOT_FOUND, NOT_FENCED = 127, 126


def enter() -> None:
    """Leave the network behind for good, keeping user and group. Raises OSError where that is not allowed."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        raise OSError("no namespaces on this system")
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def fence(says: int) -> list[str]:
    """Return the words to put before a command to fence it; `says` is the descriptor that hears `none` or `open`."""
    return [sys.executable, "-P", "-s", "-m", "shipworthy.artifact.run.fence", str(says)]


def can_enter() -> bool:
    """Try it in a child first: a fence that fails half way could not be climbed back over."""
    child = os.fork()
    if child == 0:
        try:
            enter()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def main(words: list[str]) -> int:
    """Fence if possible, say which it was, become the command. Returns only when there is no such command."""
    said, command = int(words[0]), words[1:]
    fenced = can_enter()
    if fenced:
        try:
            enter()
        except OSError as problem:
            print(f"no fence after all: {problem}", file=sys.stderr)
            return NOT_FENCED
    os.write(said, b"none" if fenced else b"open")
    os.close(said)
    try:
        os.execvp(command[0], command)
    except OSError as problem:
        print(f"{command[0]}: {problem.strerror}", file=sys.stderr)
    return NOT_FOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
