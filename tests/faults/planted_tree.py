"""Faults of a site of several processes, and of the fast lane: what is lost, doubled, believed or opened."""
# ruff: noqa: E501 - one fault a line, as long as the code it changes

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "deploy/http/lane.py",
        "tests/deploy/test_lane.py tests/deploy/test_gateway.py",
        ("two lengths are one", 'names.count(b"content-length") == 1', "True"),
        ("any host will do", 'names.count(b"host") == 1', "True"),
        ("other framings are overlooked", "and _NOT_HERE.isdisjoint(names)", ""),
        ("a caller that will close is not believed", 'and told.get(b"connection", b"keep-alive").lower() == b"keep-alive"', ""),
        ("a length is any text", "and length.isdigit()", ""),
        ("lines are not looked at", "if found is None or None in fields:", "if found is None:"),
        ("what follows is a part of the body", "len(data) == end + 4 + head.length", "len(data) >= end + 4 + head.length"),
        ("headers are remembered for ever", "            self._known.clear()\n", "            pass\n"),
        ("what came behind is forgotten", "self.data_received(held)", "pass"),
        ("headers of the answer are left out", "parts += (name, b\": \", value, b\"\\r\\n\")", "pass"),
    ),
    *_in(
        "deploy/http/door.py",
        "tests/deploy/test_lane.py",
        ("who half closes hears nothing", 'if self._phase != ANSWER or self.scheme == "https":', "if True:"),
    ),
    *_in(
        "deploy/http/ids.py",
        "tests/deploy/test_ids.py",
        ("an id comes twice", "        counter += 1\n", ""),
        ("a millisecond is not renewed", "if ms != last_ms:", "if last_ms < 0:"),
        ("the variant is another", '_VARIANT = "89ab" * 4', '_VARIANT = "cdef" * 4'),
        ("a second is carried nowhere", "second, micro = second + 1, 0", "pass"),
        ("microseconds are cut", "micro = round((now_s - second) * 1e6)", "micro = int((now_s - second) * 1e6)"),
    ),
    *_in(
        "deploy/http/places.py",
        "tests/deploy/test_places.py",
        ("true, 1 and 1.0 lie in one place", ", *[cell.__class__ for cell in cells])", ")"),
        ("whose row it is does not matter", "key = (tenant, unseen, *cells", "key = (unseen, *cells"),
        ("what a version has not seen does not matter", "key = (tenant, unseen, *cells", "key = (tenant, *cells"),
        ("places are remembered for ever", "                self._known.clear()\n", "                pass\n"),
        ("groups are overlooked", "dict.fromkeys((*keys.segments, *keys.groups))", "dict.fromkeys(keys.segments)"),
    ),
    *_in(
        "runtime/tree/feed.py",
        "tests/runtime/test_feed.py",
        ("a slot is not written", "        self._slots.count(self._number, self._counted)\n", ""),
        ("callers are not told", "        frame.peers.append(peer)\n", '        frame.peers.append("")\n'),
        ("what is dropped is no gap", "        self._lost |= {event.minute for event in oldest.events}\n", ""),
        ("what was sent is sent again", "        self._waiting.clear()\n", ""),
        ("memory has no bound", "> MOST_KEPT:", "> 1 << 60:"),
        ("a frame may be of any size", "if length > MOST_FRAME:", "if False:"),
        ("a sign of life ends no minute", "minute=minute, told=self._counted, lost=lost, bye=bye)", "minute=0, told=self._counted, lost=lost, bye=bye)"),
    ),
    *_in(
        "runtime/tree/feeds.py",
        "tests/runtime/test_feed.py",
        ("a dead worker leaves no gap", "if not bye and", "if False and"),
        ("who says goodbye is not believed", "if not bye and", "if"),
        ("another's slot is its own", "(slot.pid != worker.pid or slot.counted > worker.told)", "(slot.counted > worker.told)"),
        ("a dead idle worker leaves a gap", "(slot.pid != worker.pid or slot.counted > worker.told)", "True"),
        ("a silent worker is waited for", "if now - worker.heard_s > SILENT_S and not worker.gone:", "if False:"),
        ("a silent worker leaves no gap", "self._counting.lost(self._since(worker))\n        waited", "pass\n        waited"),
        ("nobody is waited for", "return min([self._minute(), *waited])", "return self._minute()"),
        ("lost minutes are not told", "if frame.lost or back:", "if back:"),
    ),
    *_in(
        "runtime/live.py",
        "tests/runtime/test_gateway_faults.py tests/runtime/test_live.py",
        ("an older state is taken up", "if after.epoch < self.state.epoch:", "if False:"),
        ("a state without its orders is taken up", "if after.epoch == self.state.epoch and _orders(self.state) - _orders(after):", "if False:"),
        ("what cannot be read opens", "candidate=None, share_bp=0", "share_bp=0"),
        ("a broken state is not looked at again", "if now != self._seen or self.broken:", "if now != self._seen:"),
    ),
    *_in(
        "store/epoch_map.py",
        "tests/store/test_posture.py",
        ("a change is not seen", "if raw != self._raw:", "if not self._raw:"),
        ("another file is never looked up", "if now >= self._stands_until:", "if self._file is None:"),
        ("a damaged map is believed", "if magic != _MAGIC or crc != zlib.crc32(head):", "if False:"),
        ("the size is not looked at", "if found.st_size != _SIZE:", "if False and found.st_size != _SIZE:"),
    ),
    *_in(
        "runtime/tree/front.py",
        "tests/runtime/test_many.py",
        ("a never event is only told", "            self._never(name, event)\n", "            pass\n"),
        ("who only observes acts", "if proposal is None or not self._act:", "if proposal is None:"),
        ("an order is not told", "        self.feed.placed(held, proposal.slo, proposal.severity)\n", ""),
        ("an order does not hold here", "        self._authority.hold(held)\n", ""),
    ),
)  # fmt: skip
