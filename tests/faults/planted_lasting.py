"""Faults of what lasts: packing, rolling up, restarts, and what is remembered. Each would lose, double or hide counts.

In: nothing. Out: `FAULTS`, as in `planted.py`.
"""
# ruff: noqa: E501 - one fault a line, as long as the code it changes

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "store/summaries.py",
        "tests/store/test_summaries.py",
        ("old bodies are not read", "    if body[:1] == bytes((_DEFLATED,)):\n        return msgspec", "    if False:\n        return msgspec"),
        ("any form is taken for ours", "if len(body) > 1 and body[0] == FORM else None", "if len(body) > 1 else None"),
        ("numbers by the wrong place", "return [numbers[_PLACES[name]] if _PLACES[name] < len(numbers) else 0 for name in names]", "return [numbers[0] for name in names]"),
        ("vectors are not deflated", "zlib.compress(_PACK.encode(vectors), _LEVEL)", "zlib.compress(_PACK.encode(vectors), 0)"),
        ("zeros are nothing", "plain if vectors == _NOTHING[kind] else", "plain if not any(map(any, vectors)) else"),
        ("counts beyond storing", "0 <= count < _TOO_MANY", "0 <= count"),
    ),
    *_in(
        "store/rollup.py",
        "tests/store/test_rollup.py",
        ("what is summed is not kept", "                self._save(key, total, kind, add)", "                pass"),
        ("the sum before is forgotten", "        if before:\n            total", "        if False:\n            total"),
        ("cuts are not looked at", "bucket(one.minute, self.span, self.cuts)", "bucket(one.minute, self.span)"),
        ("moved and deleted apart", "        with self.db.transaction():\n            rows = self.db.rows(oldest", "        if True:\n            rows = self.db.rows(oldest"),
        ("nothing is ever forgotten", '    _forget_in(db, "label_receipts", "minute", receipts_before, 1)', "    pass"),
        ("receipts go with the windows", '"label_receipts", "minute", receipts_before, 1)', '"label_receipts", "minute", before, 1)'),
        ("a batch of forgotten minutes may come again", "    if before > windows.forgotten_before(db):", "    if False:"),
        ("a clock that goes back brings batches back", "    if before > windows.forgotten_before(db):", "    if True:"),
        ("a day too early", "_forget(db, now - kept - GRACE, now", "_forget(db, now - kept + GRACE, now"),
    ),
    *_in(
        "store/tiers.py",
        "tests/store/test_rollup.py",
        ("a cut is ignored", "return max(first, cuts[at - 1]) if at else first", "return first"),
        ("fives wait for a day", "(1, 5, MINUTES_FOR)", "(1, 5, FIVES_FOR)"),
        ("every minute is a sum of its own", "first = minute - minute % span", "first = minute"),
        ("a cut moves what lies before it", "at = bisect_right(cuts, minute)", "at = bisect_right(cuts, minute + 1)"),
    ),
    *_in(
        "store/windows.py",
        "tests/store",
        ("a batch twice", "            same_batch(seen[0][0], content, shard, seq)\n            return False", "            same_batch(seen[0][0], content, shard, seq)"),
        ("the last batch of the forgotten", "if oldest is not None and oldest < before:", "if False:"),
        ("sums that are rolled up are not read", "    return with_coarse(joined(fine), coarse)", "    return with_coarse(joined(fine), [])"),
        ("late counts hide the sum", "found[key] = same_shard(found[key], one) if key in found else one", "found[key] = one"),
        ("heartbeats may count", '            raise UsageError("a heartbeat counts nothing"', '            UsageError("a heartbeat counts nothing"'),
        ("sums of any tenant", 'wanted = {"version": version, "tenant": tenant, "arm": arm}', 'wanted = {"version": version, "tenant": None, "arm": arm}'),
    ),
    *_in(
        "runtime/past.py",
        "tests/runtime/test_past.py",
        ("every silence was on purpose", "    if run.lost or not in_order:", "    if False:"),
        ("a crash was an orderly end", "    if run.lost or not in_order:", "    if not in_order:"),
        ("an end is an end", "    if run.lost or not in_order:", "    if run.lost:"),
        ("the minute of the start is known", "sorted(lost | {minute})", "sorted(lost)"),
        ("others speak for the dead", "        return [heartbeat(at, LOST, 0) for at in sorted(lost)]", "        return []"),
        ("one shard makes up for the lost one", "LOST = 1 << 20", "LOST = 1"),
        ("live since today", "return minute if known is None else int(known)", "return minute"),
        ("alarms of others are lost", "dict.fromkeys((*alarms(store), *mine))", "dict.fromkeys(mine)"),
        ("alarms that people know", "if not known(one)", "if True"),
    ),
    *_in(
        "runtime/runs.py",
        "tests/runtime/test_past.py",
        ("the dead are living", "    except BlockingIOError:\n        return False", "    except BlockingIOError:\n        return True"),
        ("one name for all", '{secrets.token_hex(4)}"', 'a"'),
        ("a good end looks like a death", "            self._path.unlink(missing_ok=True)\n", ""),
        ("nobody is settled", '            (self._folder / f"{name}{_SUFFIX}").unlink(missing_ok=True)', "            pass"),
    ),
    *_in(
        "runtime/remembered.py",
        "tests/runtime/test_remembered.py",
        ("what an SLO asks about is folded", "for place in known - self._watched if", "for place in known if"),
        ("folded counts are lost", "here[key] = _summed(here.get(key), moved)", "here[key] = moved"),
        ("folded labels are lost", "there[name] = late.merge(there[name], told) if name in there else told", "there[name] = told"),
        ("a late cut hides what came after it", "        if first < minute <= self._latest:", "        if False:"),
        ("blurred minutes are known", "for one in (*self._blurred, *self._lost):", "for one in ():"),
        ("what comes while mending is lost", "self.take_windows([*windows, *came])", "self.take_windows([*windows])"),
        ("full windows weigh nothing", "return 1 + (len(window.cells)", "return 1 or (len(window.cells)"),
        ("places without end", "(len(self._windows) > MOST_PLACES or", "(False or"),
        ("another version goes too", "for place in [place for place in kept if place[0] == version]:", "for place in list(kept):"),
    ),
    *_in(
        "runtime/past.py",
        "tests/runtime/test_telemetry.py",
        ("a cut was always known", "dict(self.cuts).get(cut, self.rolled)", "dict(self.cuts).get(cut, -1)"),
        ("a cut is known from now on", "tuple((cut, before.unknown_until(cut)) for cut", "tuple((cut, minute) for cut"),
        ("cuts are never forgotten", "after = tuple((cut, before.unknown_until(cut)) for cut in sorted(cuts))", "after = tuple((cut, before.unknown_until(cut)) for cut in sorted({*cuts, *dict(before.cuts)}))"),
    ),
    *_in(
        "runtime/telemetry.py",
        "tests/runtime/test_telemetry.py",
        ("what the store did not take is gone", "            self._unwritten[batch] = windows", "            pass"),
        ("mended while a batch waits", "is not None and not self._unwritten:", "is not None:"),
        ("sums of five minutes part at any minute", "    if hour > now_minute - MINUTES_FOR:\n        return None", "    if hour > now_minute - FIVES_FOR:\n        return None"),
        ("a gap is forgotten by a restart", "                self.kept.lose(lost)\n", "                pass\n"),
        ("every cut leaves a gap", "lost is not None and any(hour <= minute < cut for minute in rows):", "lost is not None:"),
        ("a gap reaches across the next cut", "min((hour + HOUR, *cuts[at + 1 : at + 2]))", "hour + HOUR"),
        ("labels are doubled at the start", "        self.kept.replace(version, windows, labels, cells)", "        self.kept.take_labels(labels, cells)"),
    ),
)  # fmt: skip
