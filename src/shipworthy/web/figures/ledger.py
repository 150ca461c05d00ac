"""The ledger over time: what was written down, by which room, by machine or by people.

In: `ledger` [{t, seq, kind, actor}], hours since Monday 06:00; a kind is `<room>.<what>`. Out: a figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from shipworthy.web.axes import moment
from shipworthy.web.figures.recorded import ORDERS, Recorded, read, time_axis
from shipworthy.web.lanes import Dots, lanes
from shipworthy.web.markup import figure, table
from shipworthy.web.svg import Key

TITLE = "Ledger"
MACHINE = "machine"
SENTENCE = (
    "What to see: whatever changed left an entry in the lane of the room that changed it; a round dot was written by"
    " the machine, a square by a person or a pipeline."
)
_MACHINE, _PEOPLE = "plump c0", "plump square c3"


class Written(msgspec.Struct):
    """One entry: when, its number, its kind and who wrote it."""

    t: float
    seq: int
    kind: str
    actor: str = ""


def ledger_timeline(recorded: Recorded) -> str:
    """Return the figure: one lane a room, dots over time, the number of entries at the right."""
    time = time_axis(recorded, ORDERS)
    entries = sorted(read(recorded, "ledger", Written), key=lambda entry: entry.seq)
    rooms = Counter(room_of(entry) for entry in entries)
    dots = [
        Dots(lane=room, at=tuple(one.t for one in entries if room_of(one) == room and _css(one) == css), css=css)
        for room in rooms
        for css in (_MACHINE, _PEOPLE)
    ]
    used = {_css(entry) for entry in entries}
    names = {_MACHINE: "the machine", _PEOPLE: "a person or a pipeline"}
    keys = [Key(name=name, shape="dots", css=css) for css, name in names.items() if css in used]
    counts = [(room, str(count)) for room, count in rooms.items()]
    drawing = lanes(TITLE, time, dots=[one for one in dots if one.at], keys=keys, remarks=counts)
    return figure(TITLE, SENTENCE, _measured(entries), drawing, _numbers(entries))


def room_of(entry: Written) -> str:
    """Return the room that wrote it: the kind up to its dot."""
    return entry.kind.split(".", 1)[0]


def _css(entry: Written) -> str:
    return _MACHINE if entry.actor == MACHINE else _PEOPLE


def _measured(entries: Sequence[Written]) -> str:
    if not entries:
        return ""
    machine = sum(entry.actor == MACHINE for entry in entries)
    kinds = len({entry.kind for entry in entries})
    return f"{len(entries)} entries of {kinds} kinds: {machine} by the machine, {len(entries) - machine} by others."


def _numbers(entries: Sequence[Written]) -> str:
    kinds: dict[str, list[Written]] = {}
    for entry in entries:
        kinds.setdefault(entry.kind, []).append(entry)
    rows = [
        [kind, len(of), ", ".join(dict.fromkeys(one.actor for one in of)), *_ends(of)]
        for kind, of in sorted(kinds.items())
    ]
    return table("Entries by kind", ["kind", "entries", "written by", "first", "last", "numbers"], rows)


def _ends(entries: Sequence[Written]) -> tuple[str, str, str]:
    first, last = entries[0], entries[-1]
    numbers = f"{first.seq} to {last.seq}" if first is not last else str(first.seq)
    return moment(first.t), moment(last.t), numbers
