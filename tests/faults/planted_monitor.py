"""Faults of logs: counting by columns, periods, what is told of them and what is judged."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

_SAME = "tests/observe/frames/test_same_windows.py"
_PARTS = "tests/flows/monitor/test_parts.py"
_WHOLE = "tests/flows/monitor/test_monitor.py"

FAULTS: tuple[Fault, ...] = (
    *_in(
        "observe/frames/counts.py",
        _SAME,
        ("a label's score is not that of its receipt", "share = fixed[counts] / FIXED", "share = score[counts]"),
        ("an answer that is no word is right", "machine & (answer != label)", "machine & (answer == 1 - label)"),
        (
            "reviews are not told from machines",
            "(None, ood.flag, unseen, frame.route.where(PERSON), frame.route.where(MACHINE))",
            "(None, ood.flag, unseen, frame.route.where(MACHINE), frame.route.where(MACHINE))",
        ),
        (
            "what no row said is not noticed",
            '"ood": np.full(frame.n, not ood.asked),',
            '"ood": np.full(frame.n, False),',
        ),
        ("memory without end", "if (len(self.counts.full) + new) * self._width > MOST_CELLS:", "if False:"),
        ("the second part of a sum is lost", "        have += counts\n", "        pass\n"),
    ),
    *_in(
        "observe/frames/inputs.py",
        _SAME,
        ("large groups are counted unsorted", "placed = column if groups == 1 else column[order]", "placed = column"),
        (
            "batches of small groups mix",
            "flat = (group[some] - first) * cells.width + place[some]",
            "flat = group[some] % (last - first) * cells.width + place[some]",
        ),
        ("an unseen value counts once", "yield where, seen * one", "yield where, one"),
        ("joint cells are lost", "np.add.at(made, places.ravel(), 1)", "made[places.ravel()] = 1"),
        (
            "joint cells of the wrong group",
            "joint_places(part) + group[some] * self.joint_width",
            "joint_places(part) + group[: some.stop - start][::-1] * self.joint_width",
        ),
    ),
    *_in(
        "observe/frames/summaries.py",
        _SAME,
        (
            "hashes of tenants are mixed",
            'if segment == "*" and tenant != "*" and (version, tenant, minute) in sketches:',
            'if segment == "*" and (version, tenant, minute) in sketches:',
        ),
        (
            "what is folded is lost",
            "made[place] = made[place] + counts if place in made else counts\n        return made",
            "made[place] = counts\n        return made",
        ),
        ("the largest are folded", "key=lambda key: (-sizes[key], key)", "key=lambda key: (sizes[key], key)"),
        ("labels of no lag", "lag=(n, *(0,) * (LAG_BINS - 1)),", "lag=(0, *(0,) * (LAG_BINS - 1)),"),
    ),
    *_in(
        "flows/monitor/series.py",
        _PARTS,
        ("a stretch that is turned round", "if low >= high:", "if low == high:"),
        (
            "a stretch forgets its first period",
            "told = (table[high] - table[low]).tolist()",
            "told = (table[high] - table[low + 1]).tolist()",
        ),
        ("the first of a stretch stands for all", "if high == low + 1:", "if high >= low + 1:"),
        ("windows as they came", "sorted(given, key=lambda one: one.minute)", "list(given)"),
    ),
    *_in(
        "flows/monitor/periods.py",
        _PARTS,
        ("weeks begin on Thursday", "first = MONDAY if self.length % WEEK == 0 else 0", "first = 0"),
        ("seconds are rounded up", "minute = np.floor(seconds / 60.0)", "minute = np.ceil(seconds / 60.0)"),
        (
            "a month is a year",
            'unit = "M" if self.kind == "month" else "Y"\n            day',
            'unit = "Y"\n            day',
        ),
        (
            "rows are minutes",
            'return Every(kind="rows", length=int(text))',
            'return Every(kind="minutes", length=int(text))',
        ),
    ),
    *_in(
        "flows/monitor/drift.py",
        _PARTS,
        ("what lies below is inside", "outside = int(live[-3] + live[-2])", "outside = int(live[-2])"),
        ("empty cells are told as above", "empty=int(live[-1]),", "empty=int(live[-2]),"),
        ("features overlap", "        first += len(one.counts)\n", "        first += 1\n"),
        ("an unseen category is inside", "        outside = int(live[-2])\n", "        outside = int(live[-1])\n"),
    ),
    *_in(
        "flows/monitor/gaps.py",
        _PARTS,
        ("small groups are shown", "told = n >= SUPPRESSED", "told = n > 0"),
        ("the choices of labelled rows are lost", "scores=labels.n,", "scores=labels.positives,"),
        ("a metric of thresholds is taken for one of scores", "if metric not in METRICS:", "if False:"),
        ("a log without groups is told as one with", "if not groups:", "if False:"),
    ),
    *_in(
        "flows/monitor/judged.py",
        _PARTS,
        (
            "every breached period pages",
            "if last is not None and last.outcome is Outcome.BREACHED and every.end(last.minute) >= one.minute:",
            "if False:",
        ),
        ("a gap is passed over", " and every.end(last.minute) >= one.minute:", ":"),
        (
            "a trial pages",
            "if one.outcome is Outcome.BREACHED and not one.trial:",
            "if one.outcome is Outcome.BREACHED:",
        ),
        ("a page has no length", "periods=made[-1].periods + 1", "periods=made[-1].periods"),
    ),
    *_in(
        "flows/monitor/columns.py",
        _PARTS,
        (
            "true is one",
            "places.setdefault((type(value), value), len(places))",
            "places.setdefault((str, value), len(places))",
        ),
        ("milliseconds are seconds", "(1e14, 1e-3)", "(1e14, 1.0)"),
        (
            "a bad cell is an empty one",
            "empty = np.fromiter((not cell for cell in self._cells)",
            "empty = np.fromiter((True for cell in self._cells)",
        ),
        ("a time without a zone is local", "at.replace(tzinfo=UTC)", "at"),
    ),
    *_in(
        "flows/monitor/logs.py",
        _PARTS,
        ("bad lines are lost silently", "wrong, first = wrong + 1, first or", "wrong, first = wrong, first or"),
        ("a chunk is the whole file", "while len(kept) < rows and not ended:", "while not ended:"),
        (
            "a frame has other columns",
            "if name in names\n        }\n        if kept",
            "if name not in names\n        }\n        if kept",
        ),
        (
            "any file is a log",
            "wrong = next((path for path in files if not path.name.endswith(KINDS)), None)",
            "wrong = None",
        ),
    ),
    *_in(
        "flows/monitor/framing.py",
        _WHOLE,
        (
            "rows without a time are counted",
            "usable = (seconds >= 0.0) & (seconds < LAST)",
            "usable = ~(seconds >= LAST)",
        ),
        ("labels of 2 are not told", "wrong = broken | (~np.isnan(values) & (label == NO_LABEL))", "wrong = broken"),
        ("a column that is not there is not told", "            if not quiet:\n", "            if False:\n"),
        ("scores beyond one are not told", "outside = broken | (score < 0.0) | (score > 1.0)", "outside = broken"),
    ),
)
