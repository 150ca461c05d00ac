"""Faults of counting a batch by columns: cells, places, bins, what spills over, and what waits."""

# ruff: noqa: E501 - one fault a line, as long as the code it changes

from __future__ import annotations

from tests.faults.planted import Fault, _in

_SAME = "tests/observe/test_collector.py"
_INPUTS = "tests/observe/test_inputs.py"
_ABUSE = "tests/observe/test_abuse_batches.py"

FAULTS: tuple[Fault, ...] = (
    *_in(
        "profile/placing.py",
        _SAME,
        ("an atom is as what lies below it", "        place += known >= atom ", "        place += known > atom "),
        ("above is below", "- (columns > self._most)", "- 2 * (columns > self._most)"),
        ("what lies beyond is inside", "            place = np.where(inside, place, beyond)", "            pass"),
        ("an unseen word is an empty cell", "words), self.unseen], dtype", "words), self.width - 1], dtype"),
    ),
    *_in(
        "profile/placing.py",
        "tests/profile/test_binned.py",
        ("rare words are unseen", "at.update(dict.fromkeys(bins.known, len(bins.values)))", "pass"),
        ("an unseen word stands somewhere", "for word in words), np.nan])", "for word in words), 0.0])"),
        ("the second piece is lost", "columns[:, at : at + PIECE]", "columns[:, :PIECE]"),
    ),
    *_in(
        "profile/reading.py",
        "tests/profile/test_reading.py",
        ("texts are numbers", "_NUMBERS = frozenset({float, int, bool, _NONE})", "_NUMBERS = frozenset({float, int, bool, str, _NONE})"),
        ("what overflows is a number", "np.flatnonzero(np.abs(read) >= LARGEST).tolist():", "():"),
        ("a large whole number is none", "            read[at] = np.nan if one is None else one\n", "            read[at] = np.nan\n"),
        ("an empty text is a word", 'return column if "" not in column else', "return column if True else"),
        ("a row without a cell is an error", "        except KeyError:\n            pass", "        except ValueError:\n            pass"),
        ("codes are told as words", "    return [as_category(cell) for cell in column]", "    return [None if cell is None else str(cell) for cell in column]"),
    ),
    *_in(
        "profile/binned.py",
        _SAME,
        ("a cut belongs below", 'np.searchsorted(cut, value, side="right") + first', 'np.searchsorted(cut, value, side="left") + first - 1'),
        ("one run of weights is all", "for at in range(by.shape[1]) for rows in _runs(by[:, at])]", "for at in range(by.shape[1]) for rows in _runs(by[:, at])[:0]]"),
    ),
    *_in(
        "observe/inputs.py",
        _INPUTS,
        ("the sketch counts known values", "np.flatnonzero(one.places[codes] == one.unseen)", "np.flatnonzero(one.places[codes] >= 0)"),
        ("no dependence", "        if self._joint is None or self._whitened is None:", "        if True:"),
        ("an unseen value is told by another", "[sent[at][row] for row in rows]", "[sent[at][0] for row in rows]"),
        ("categories lie on numbers", "one.places[codes] + first for one, codes, first", "one.places[codes] for one, codes, first"),
    ),
    *_in(
        "observe/bins.py",
        _INPUTS,
        ("no time is fast", "        return LATENCY_BINS - 1\n    if took_ms", "        return 0\n    if took_ms"),
        ("octaves of seven", "    return (octave - 1) * _STEPS +", "    return (octave - 1) * (_STEPS - 1) +"),
    ),
    *_in(
        "observe/bins.py",
        _SAME,
        ("an odd p-value is ordinary", "        return OOD_P_BINS - 1\n    return min(", "        return 0\n    return min("),
        ("no time is fast among many", "bins = np.full(took_ms.size, LATENCY_BINS - 1, dtype=np.intp)", "bins = np.zeros(took_ms.size, dtype=np.intp)"),
        ("a score beyond is a score", "told = (score >= 0.0) & (score <= 1.0)", "told = (score >= 0.0) & (score <= 1.5)"),
        ("sums are cut off", "np.rint(score * FIXED).astype", "np.trunc(score * FIXED).astype"),
    ),
    *_in(
        "observe/table.py",
        _SAME,
        ("a table that grows forgets", "np.concatenate([self._counts, np.zeros_like(self._counts)])", "np.zeros((2 * len(self._counts), self.width), dtype=np.int64)"),
        ("closed rows stay", "            del self._rows[key]\n", "            pass\n"),
        ("a table never closes", "        self._rows = {key: at for at, key in enumerate(self._rows)}\n", ""),
        ("a place counts once a batch", "np.add.at(self._counts.reshape(-1), (rows * self.width + places).reshape(-1), by)", "self._counts.reshape(-1)[(rows * self.width + places).reshape(-1)] += by"),
    ),
    *_in(
        "observe/full.py",
        _INPUTS,
        ("all tenants are nobody's sum", "sums[whole] = sums[whole] + counts if whole in sums else counts", "sums[whole] = counts"),
        ("what was ordinary explains", "if event.ood_flag and event.ood_feature:", "if event.ood_feature:"),
    ),
    *_in(
        "observe/full.py",
        _SAME,
        ("times of nobody count", "if one is not None]\n        times", "]\n        times"),
        ("all tenants have one key", "self._hashed(key[2], key[3])", 'self._hashed("*", key[3])'),
        ("cells of two references are added", "if known is None or known.reference != inputs.reference:", "if known is None:"),
        ("what was counted is dropped", "if known is None or known.reference != inputs.reference:", "if True:"),
    ),
    *_in(
        "observe/collector.py",
        _SAME,
        ("events that wait are forgotten", "        self._count()\n        closed = sorted", "        closed = sorted"),
        ("rows wait for ever", "        if len(self._events) >= MOST_WAITING:\n            self._count()\n\n    def add_many", "        if False:\n            self._count()\n\n    def add_many"),
        ("a clock a year ahead is right", "if min(minutes) < first or max(minutes) > last:", "if min(minutes) < first:"),
        ("an event of a wrong clock waits for ever", "minutes = [minute if first <= minute <= last else self._rolled for minute in minutes]", "pass"),
        ("probes are inputs", "None if arm == PROBE else (version, arm, own, minute)", "(version, arm, own, minute)"),
        ("a tenant without room has a window", 'own = tenant if (version, arm, tenant, "*") in self._slots else OTHER', "own = tenant"),
        ("spilling counts once", "            over += kind.over\n", "            over += kind.over and name not in known\n"),
        ("groups are not told apart", '("*", *segments, *groups)', '("*", *segments)'),
        ("one tenant twice", "        if mine is not every:\n", "        if True:\n"),
        ("what few show nobody shows", "            here[marks] = True\n", ""),
        ("a degraded answer is ordinary", "or one.unknown or one.degraded)", "or one.unknown)"),
    ),
    *_in(
        "observe/slots.py",
        "tests/runtime/test_remembered.py",
        ("what is asked of spills", 'if tenant == "*" and (segment == "*" or (version, segment) in self._apart):', 'if tenant == "*" and segment == "*":'),
    ),
    *_in(
        "observe/slots.py",
        "tests/runtime/test_telemetry.py",
        ("tenants take every place", 'or (tenant != "*" and self._of_tenants >= MOST_OF_TENANTS)', ""),
    ),
    *_in(
        "observe/slots.py",
        "tests/observe/test_windows.py",
        ("the next minute has no room", "        self._live = set(live)\n", ""),
    ),
    *_in(
        "observe/slots.py",
        _SAME,
        ("tenants are not counted", "self._of_tenants += place not in self._live and tenant != \"*\"", "pass"),
        ("what spills keeps its tenant", "            tenant = tenant if tenant == \"*\" else OTHER\n", ""),
    ),
    *_in(
        "observe/probing.py",
        _ABUSE,
        ("one half is looked at", "parts = [first, ~first, *(", "parts = [first, *("),
        ("what must not change is not looked at", "*([fixed] if fixed.any() else [])]", "]"),
        ("requests of one batch do not meet", "            found[order[1:][same]] = True\n", "            pass\n"),
        ("what is held is not written", "            self._rows[slots, places] = self._given[at,]\n", ""),
        ("a miss costs nothing", "            if near or one.evidence is not _NOTHING:", "            if near:"),
        ("each bet has the whole level", "-math.log(level / len(bets))", "-math.log(level * 50)"),
        ("an alarm goes on and on", "_NOTHING if alarm or after == _NOTHING else after", "_NOTHING if after == _NOTHING else after"),
    ),
    *_in(
        "observe/caller_ood.py",
        _ABUSE,
        ("a caller with many sent is forgotten first", "            states.move_to_end(caller)\n", ""),
        ("the hour never ends", "            if hour != self._hour:", "            if False:"),
        ("a miss costs nothing", "                after = before[0] + _MISS\n", "                after = before[0]\n"),
        ("evidence below the floor is kept", "if after > 0.0 else _FLOOR", "if True else _FLOOR"),
    ),
    *_in(
        "runtime/probed.py",
        "tests/runtime/test_abuse_batches.py",
        ("an empty word is a word", "    told[empty] = math.nan\n", ""),
        ("a huge number stops a batch", "    except OverflowError:\n        return _one_by_one", "    except ZeroDivisionError:\n        return _one_by_one"),
        ("texts are numbers", "_NUMBERS = frozenset({float, int, bool, type(None)})", "_NUMBERS = frozenset({float, int, bool, str, type(None)})"),
        ("codes are no words", "_WORDS = frozenset({str, type(None)})", "_WORDS = frozenset({str, int, type(None)})"),
        ("columns are mixed", "told[:, at] = _words(cells, columns[at])", "told[:, -at] = _words(cells, columns[at])"),
    ),
    *_in(
        "runtime/abuse.py",
        "tests/runtime/test_abuse_batches.py",
        ("versions are mixed", "by_version[events[at].version].append(at)", 'by_version["1"].append(at)'),
        ("who was whom is forgotten", "return [known[one] for one in asked]", "return [known[asked[0]] for one in asked]"),
        ("rates count a batch once", "            self._rates.add(minute, abuse, segments, n)\n", "            self._rates.add(minute, abuse, segments)\n"),
    ),
)  # fmt: skip
