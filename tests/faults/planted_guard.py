"""Faults of tables decided at once, and of applications that are guarded."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

_EXPR = "tests/deploy/batch/test_expressions.py"
_ANSWERS = "tests/deploy/batch/test_answers.py"
_RECEIPTS = "tests/deploy/batch/test_receipts.py"
_FRAMES = "tests/runtime/batch/test_frames.py"
_SAME = "tests/runtime/batch/test_same_as_one_by_one.py"
_REPEATED = "tests/observe/test_repeated.py"
_MIDDLEWARE = "tests/runtime/test_middleware.py"

FAULTS: tuple[Fault, ...] = (
    *_in(
        "deploy/batch/expressions.py",
        _EXPR,
        ("not unknown is true by columns", "TRUE - seen.kind, UNKNOWN)", "TRUE - seen.kind, TRUE)"),
        (
            "what is no number is added up",
            "both = (left.kind == NUMBER) & (right.kind == NUMBER)",
            "both = left.kind != TEXT",
        ),
        ("less is more", "-seen.number)", "seen.number)"),
        ("one unknown part is forgotten", "unknown = unknown | (kind > TRUE)", "unknown = unknown"),
        (
            "large whole numbers are trusted",
            'return (NUMBER, float(value), "", False) if abs(value) < EXACT else (UNKNOWN, 0.0, "", True)',
            'return (NUMBER, float(min(value, 2**60)), "", False)',
        ),
        (
            "not in is in",
            "return np.where(seen.kind == TEXT, held == inside, UNKNOWN)",
            "return np.where(seen.kind == TEXT, held, UNKNOWN)",
        ),
        (
            "texts compare by place",
            "mine, theirs = (np.array([order[word] for word in one.words])[one.word] for one in (left, right))",
            "mine, theirs = left.word, right.word",
        ),
    ),
    *_in(
        "deploy/batch/answers.py",
        _ANSWERS,
        ("an edge excludes its score", "(rows.score <= deny, 2)", "(rows.score < deny, 2)"),
        ("postures are mixed", "(rows.place, len(rows.bounds)),", ""),
        (
            "own words are mixed",
            "columns.append((np.where(usable, rows.own.codes + 1, 0), len(rows.own.values) + 1))",
            "pass",
        ),
        ("never events are asked of one row for all", "groups = _by_never(rows, groups)", "pass"),
        ("suggestions are not asked about", "if draft.suggestion is not None:", "if False:"),
        ("certainty is not told apart", "        (certain, 2),\n", ""),
        ("a score leaves under a kill", "usable = computed & (rows.score >= 0.0)", "usable = (rows.score >= 0.0)"),
    ),
    *_in(
        "deploy/batch/receipts.py",
        _RECEIPTS,
        ("the label is not authenticated", '+ _DOMAIN + len(named).to_bytes(4, "big") + named)', "+ _DOMAIN)"),
        ("outer and inner are one", "0x5C", "0x36"),
        (
            "a withheld score is in the receipt",
            "np.rint(told * FIXED).astype(np.int64), NO_SCORE)",
            "np.rint(told * FIXED).astype(np.int64), 0)",
        ),
        (
            "the last letters are cut",
            "kept = padded.shape[1] // 3 * 4, -(-width * 4 // 3)",
            "kept = padded.shape[1] // 3 * 4, width * 4 // 3",
        ),
        ("a score is truncated", "np.rint(told * FIXED)", "np.trunc(told * FIXED)"),
        ("little end first", '">i8"', '"<i8"'),
    ),
    *_in(
        "deploy/batch/table.py",
        _FRAMES,
        ("a NaN that was sent is an empty cell", "sent = np.isnan(floats) & ~empty", "sent = np.isnan(floats) & False"),
        (
            "one and true are one",
            "list(zip(map(type, cells), cells, strict=True))",
            "list(zip(cells, cells, strict=True))",
        ),
        (
            "whole numbers come back as floats",
            "return int(value) if found.kind == INT else",
            "return value if found.kind == INT else",
        ),
        (
            "large whole numbers are rounded",
            "if kind == INT and values.size and not (values.max() < EXACT and values.min() > -EXACT):",
            "if False:",
        ),
        ("any cell is taken", "if not issubclass(odd, float | int | str):", "if False:"),
        (
            "a sent NaN is scored as empty",
            "np.where((np.abs(found.values) >= LARGEST) | _sent(found), math.inf, found.values)",
            "found.values",
        ),
    ),
    *_in(
        "observe/repeated.py",
        _REPEATED,
        ("misses do not count", "log_e, n = log_e + miss_by, n + 1", "log_e, n = log_e, n + 1"),
        (
            "the floor is not a fresh start",
            "log_e, n, hits, since, began = 0.0, 0, 0, 0, hit",
            "log_e, began = 0.0, hit",
        ),
        (
            "streams of another order",
            'order = np.argsort(numbers, kind="stable")',
            'order = np.argsort(numbers, kind="stable")[::-1]',
        ),
        ("who sent is forgotten", "repeats.streams[key].sent[tenant] += n", "pass"),
        ("old hits stay", "        repeats.restart(run.key[2], stream)\n", "        pass\n"),
        ("streams that share a place are taken for one", "if used.isdisjoint(places):", "if True:"),
    ),
    *_in(
        "runtime/batch/decider.py",
        _SAME,
        ("the rest of a chunk keeps the old state", "if self._wiring.epoch() != when.epoch:", "if False:"),
        (
            "nobody hears of a queue that took nothing",
            "return [refused_rows(block, FAILED) for block in blocks]",
            "return blocks",
        ),
        ("a violation does not act", "acting = [stop] if stop < n else []", "acting: list[int] = []"),
        ("rows without a tenant are decided", "if empty.any():", "if False:"),
        (
            "rows beyond the one that acted are counted twice",
            "kept = [_upto(block, taken) for block in blocks]",
            "kept = blocks",
        ),
        ("abuse is not counted", "odd = odd_rows(block)", "odd = odd_rows(block) & False"),
    ),
    *_in(
        "runtime/batch/passes.py",
        _SAME,
        (
            "a failed candidate is not replayed",
            "rest.append((block.seen.rows[failed], (block.seen.view[failed], seen.views), True))",
            "pass",
        ),
        (
            "a replay is not told",
            "(block.seen.view[failed], seen.views), True))",
            "(block.seen.view[failed], seen.views), False))",
        ),
        ("every tenant has the candidate", "mine: Marks = named[tenants.codes]", "mine: Marks = ~none"),
        ("uncertainty is unknown", "uncertainty=seen.lens.uncertainty(score),", "uncertainty=score * np.nan,"),
        ("the model's own word is lost", "own=None if unsettled else block.scores.own,", "own=None,"),
    ),
    *_in(
        "runtime/batch/events.py",
        _SAME,
        ("unseen values are not counted", "        unseen |= marks\n", "        pass\n"),
        (
            "degraded rows are not told",
            "view.posture != NORMAL for view in seen.views]",
            "False for view in seen.views]",
        ),
        ("payloads are not seen", "isinstance(cell, str) and is_payload(cell)", "False"),
        (
            "people's rows are machine's",
            '"n_review": [one.route == PERSON for one in kinds],',
            '"n_review": [one.route == MACHINE for one in kinds],',
        ),
        ("replays are not counted", '"n_replayed": np.full(n, block.replayed)', '"n_replayed": np.full(n, False)'),
    ),
    *_in(
        "runtime/batch/lens.py",
        _SAME,
        ("an accepted value is unseen", "return text is not None and text not in known", "return text is not None"),
        (
            "an empty cell has the bucket of known ones",
            "return not nullable if text is None else text not in values",
            "return text is not None and text not in values",
        ),
        ("a score on an edge belongs above", 'side="left")]', 'side="right")]'),
        (
            "a NaN that was sent is an empty word",
            'return Coded(["nan" if cell != cell else cell for cell in column.values], column.codes)',
            "return column",
        ),
    ),
    *_in(
        "runtime/middleware.py",
        _MIDDLEWARE,
        (
            "a raw answer leaves whoever decides",
            "if decision.route == MACHINE and decision.version",
            "if decision.version",
        ),
        ("forged headers stay", "if not name.lower().startswith(OURS)]", "]"),
        (
            "any text is a score",
            "if isinstance(score, bool) or not isinstance(score, int | float) or not 0.0 <= score <= 1.0:",
            "if False:",
        ),
        (
            "trouble inside is told as 200",
            'return error(503, "the guard failed; nothing was decided"), None',
            'return error(200, "the guard failed; nothing was decided"), None',
        ),
        ("the own decision is not looked at", "None if decision_at is None else str(decision))", "None)"),
        (
            "a fallback of one's own is not asked",
            "if self._fallback is not None else decision",
            "if False else decision",
        ),
    ),
)
