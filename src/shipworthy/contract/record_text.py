"""Write a decision record: a new one from its parts, or one more approval into one that is there.

In: texts. Out: texts that `read_record` reads. Adding an approval leaves every other line as it is, because the prose
of a record is its author's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import msgspec

from shipworthy.contract.record import FOLDER, DecisionRecord
from shipworthy.errors import ContractError
from shipworthy.facts import Approval

_MOST_SLUG = 80  # characters: a file name has at most 255 bytes
_NUMBERED = re.compile(r"(\d{4})-")


def next_file(records: Iterable[DecisionRecord], slug: str) -> str:
    """Return the path of a new record, numbered after the last one.

    >>> next_file((), "do-not-deploy-3")
    'docs/decisions/0001-do-not-deploy-3.md'
    """
    numbers = [int(match[1]) for one in records if (match := _NUMBERED.match(one.id))]
    plain = re.sub(r"[^a-z0-9]+", "-", slug.lower())[:_MOST_SLUG].strip("-")
    return f"{FOLDER}/{max(numbers, default=0) + 1:04}-{plain}.md"


def new_record(front: dict[str, str | list[str]], title: str, context: str, outcome: str) -> str:
    """Return the text of a record with these keys, no approval yet, and the two sections that MADR requires."""
    keys = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in front.items())
    body = f"# {title}\n\n## Context and Problem Statement\n{context}\n\n## Decision Outcome\n{outcome}\n"
    return f"---\n{keys}approvals:\n---\n{body}"


def with_approval(text: str, approval: Approval, accepted: bool) -> str:
    """Return the record with one more approval, and accepted when that is enough.

    Raises ContractError when the text has no front matter with a line `approvals:`.
    """
    lines = text.split("\n")
    end = next((at for at, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), 0)
    at = next((at for at, line in enumerate(lines[:end]) if line.rstrip() == "approvals:"), None)
    if at is None:
        raise ContractError("no line `approvals:` in the front matter", FOLDER, "add `approvals:` as its last key")
    while lines[at + 1].startswith("  - "):
        at += 1
    lines.insert(at + 1, f"  - {msgspec.json.encode(approval).decode()}")
    if accepted:
        lines[:end] = [re.sub(r'^status: "?proposed"?\s*$', "status: accepted", line) for line in lines[:end]]
    return "\n".join(lines)
