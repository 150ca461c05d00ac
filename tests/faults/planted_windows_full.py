"""Faults of the cells of the reference, of counting into them, of what cells hide, of full windows and of exports."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "profile/binned.py",
        "tests/profile/test_binned.py",
        (
            "what lies beyond is a bin like others",
            "if not (least >= self.bins.least and most <= self.bins.most):",
            "if least != least:",
        ),
        (
            "an empty cell is no cell",
            "counts[-3:] += (below, above, given - part.size - below - above)",
            "counts[-3:] += (below, above, 0)",
        ),
        ("below is above", "counts[-3:] += (below, above,", "counts[-3:] += (above, below,"),
        (
            "an atom is as what lies above it",
            "counts[first : first + 3] += (inside.size - equal - over, equal, over)",
            "counts[first : first + 3] += (inside.size - equal - over, 0, equal + over)",
        ),
        ("atoms count twice", "            cells[at] = 0  # counted by piece", "            pass"),
        ("rare is unseen", "self.at.update(dict.fromkeys(bins.known, first))", "pass"),
        ("empty is unseen", "        self.at[None] = first + 2\n", ""),
        ("unseen is empty", "self.unseen = first + 1", "self.unseen = first + 2"),
        ("nothing is an atom", "marked[first + 1] = True", "pass"),
        ("the distance is not squared", "total += column * column", "total += column"),
    ),
    *_in(
        "profile/placing.py",
        "tests/profile/test_binned.py",
        ("an atom parts nothing", "after[cells] = 2", "after[cells] = 1"),
    ),
    *_in(
        "profile/binned.py",
        "tests/observe/test_measure_drift.py",
        (
            "below lies above",
            "[[last, last - 2], np.arange(last - 2), [last - 1]]",
            "[[last, last - 1], np.arange(last - 2), [last - 2]]",
        ),
    ),
    *_in(
        "profile/fit_bins.py",
        "tests/profile/test_binned.py",
        ("one grid for all", "while cells < MOST_CELLS and not", "while False and not"),
        (
            "no atoms",
            "    if values.size <= MOST_ATOMS_ALONE:\n        return values",
            "    if values.size <= MOST_ATOMS_ALONE:\n        return values[:0]",
        ),
        (
            "the lightest stand alone",
            "heavy = np.flatnonzero(rows >= _HEAVY * rows.sum())",
            "heavy = np.flatnonzero(rows < 0)",
        ),
        ("more bins than room", "room = MOST_BINS - 2 * len(atoms) - 1", "room = 2 * MOST_BINS - 2 * len(atoms) - 1"),
        ("commonest last", "key=lambda value: (-seen[value], value)", "key=lambda value: (seen[value], value)"),
        ("rows of several lengths", "if len(lengths) != 1 or lengths == {0}:", "if lengths == {0}:"),
        ("no row is a reference", "if len(lengths) != 1 or lengths == {0}:", "if len(lengths) != 1:"),
    ),
    *_in(
        "stats/binned.py",
        "tests/stats/test_stats_binned.py",
        ("cells hide nothing", "slack = max(0.0, float(inside.max()) - seen)", "slack = 0.0"),
        ("cells of one value hide", "inside = np.where(alone, 0.0,", "inside = np.where(alone & False, 0.0,"),
        ("only what rises hides", "np.maximum(start + p, q - start)", "start + p"),
        ("no slack in the bound", "min(1.0, seen + slack + error)", "min(1.0, seen - error)"),
        ("every cell is a cell", "cells = max(2, int(np.count_nonzero(held)))", "cells = 2 * held.size"),
        ("natural bits", "np.log2(p / middle)", "np.log(p / middle)"),
        ("the null of another log", "/ (8.0 * math.log(2.0))", "/ 8.0"),
        ("half the variation is all", "seen = 0.5 * float(np.abs(p - q).sum())", "seen = float(np.abs(p - q).sum())"),
        ("an empty sample", "a.shape != b.shape or a.sum() <= 0 or b.sum() <= 0", "a.shape != b.shape"),
        ("negative counts", " or (counts < 0).any()", ""),
    ),
    *_in(
        "observe/hitters.py",
        "tests/observe/test_inputs.py",
        ("a tag without a majority", "if 2 * agreed > total:", "if True:"),
        ("bits are shifted", "((hashed >> 4) >> _PLACES) & 1", "((hashed >> 5) >> _PLACES) & 1"),
        ("all in one cell", "(hashed & (BUCKETS - 1))", "(hashed & 0)"),
        ("the total is not kept", "    sketch[first] += 1\n", "    sketch[first] = 1\n"),
    ),
    *_in(
        "runtime/exports/families.py",
        "tests/runtime/test_exports.py",
        ("what is not judged here is told", "            if one.here:\n", "            if True:\n"),
        ("every outcome holds", "float(outcome is each)", "1.0"),
        (
            "never judged is fresh",
            "stale = () if shown.stale_s is None else",
            "stale = (((), 0.0),) if shown.stale_s is None else",
        ),
        ("the slowest look fast", "3840.0)  # octaves", "8192.0)  # octaves"),
    ),
    *_in(
        "runtime/exports/prometheus.py",
        "tests/runtime/test_exports.py",
        ("buckets are not cumulative", "        below += count\n", "        below = count\n"),
        ("quotes break out", ".replace('\"', '\\\\\"')", ""),
        ("a line feed breaks the line", '.replace("\\n", "\\\\n")', ""),
        (
            "empty families are told",
            " for family in families if family.samples for line",
            " for family in families for line",
        ),
    ),
    *_in(
        "runtime/exports/push.py",
        "tests/runtime/test_exports.py",
        ("refused is taken", "        if status != 200:", "        if status > 999:"),
        ("one failure ends it", "except Exception as problem:", "except KeyError as problem:"),
        (
            "any text is an address",
            'if parts.scheme not in ("http", "https") or not parts.hostname or port == -1',
            "if False",
        ),
        ("the path is lost", 'self._parts.path.rstrip("/") + PATH', "PATH"),
    ),
    *_in(
        "runtime/exports/otlp.py",
        "tests/runtime/test_exports.py",
        ("totals are deltas", "CUMULATIVE = 2", "CUMULATIVE = 1"),
        ("totals may fall", 'held["isMonotonic"] = True', 'held["isMonotonic"] = False'),
        ("counting began now", '"startTimeUnixNano": str(start_ns)', '"startTimeUnixNano": str(now_ns)'),
        ("a gauge adds up", 'if family.kind != "gauge":', "if True:"),
    ),
    *_in(
        "runtime/exports/totals.py",
        "tests/runtime/test_exports.py",
        ("probes are traffic", "        if event.probe is not None:\n            return\n", ""),
        ("every request is flagged", "total.flagged += event.ood_flag", "total.flagged += 1"),
        ("times are not summed", "            total.took_ms += event.took_ms\n", ""),
        ("arms are one", "total = self.of(event.version, event.arm)", 'total = self.of(event.version, "candidate")'),
    ),
)
