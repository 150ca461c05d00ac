"""Repeated out-of-distribution inputs: one e-process per version, tenant and segment, asked after every request.

In: events. Out: an `Alarm` at once, localised: the smallest segment whose stream alarms, for one tenant if it explains
the hits. The null is that at most 1 % of a segment's requests are flagged; the evidence and its false-alarm rate are
those of `stats.sequential`. In a segment `key=__unseen__` every request is flagged by construction, so there the fifth
request alarms: repeated unknown values degrade that segment, and nothing else.

A hit inside a segment that has alarmed since the last restore is explained: it counts there and nowhere else, so an
alarm on everything does not follow the one on its part. Where the alarm is of one tenant, what that tenant sends counts
for itself alone, so that its flood does not become everybody's alarm.

An alarm is of one tenant when that tenant explains the hits of all (DECISIONS §6), or when its own stream alarms: it
has enough hits by itself, at least 80 % of those of all, and another tenant sent 20 requests there. The second tenant
whose stream alarms in a segment makes it everybody's: two tenants are no coincidence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shipworthy.facts import UNSEEN, Event, Fact, contains, parse_segment
from shipworthy.observe.windows import HELD, SHADOW
from shipworthy.stats.sequential import NULL_RATE, EState, alarmed, level_from_budget, update

MIN_HITS = 5
MOST_LIVE_STREAMS = 2000
EXPLAINS = 0.8
NARROW_HITS = 30
NARROW_OTHERS = 20
Key = tuple[str, str, str]  # version, tenant, segment
_Calm = defaultdict[tuple[str, str], list[str]]  # version, tenant -> the segments of its misses, one for each


class Alarm(Fact, frozen=True, kw_only=True):
    """`hits` of the last `n` requests of a segment were out of distribution, with evidence `log_e` (natural log)."""

    version: str
    tenant: str
    segment: str
    hits: int
    n: int
    log_e: float
    at: str


@dataclass(slots=True)
class Stream:
    """Evidence of one stream; `inside` says in which segments its hits lay, `hits` and `sent` count by tenant."""

    state: EState = field(default_factory=EState)
    inside: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)

    def restart(self) -> None:
        """Forget the evidence, not who has sent how much."""
        self.state = EState()
        self.inside.clear()
        self.hits.clear()


class Repeats:
    """The streams of one site. Single thread, in memory, bounded: over the limit, only `*` is watched for newcomers."""

    def __init__(self, level: float, null_rate: float = NULL_RATE, min_hits: int = MIN_HITS) -> None:
        """`level`: what each stream may spend, see `within_budget`. Raises ValueError unless 0 < level <= 1."""
        if not 0.0 < level <= 1.0:
            raise ValueError(f"0 < level <= 1 is needed, got {level!r}")
        self.level, self.null_rate, self.min_hits = level, null_rate, min_hits
        self.streams: dict[Key, Stream] = {}
        self._explained: dict[str, set[tuple[str, str]]] = {}
        self._alarms: list[Alarm] = []
        self._until_look = 0
        self._warm: Counter[str] = Counter()
        self.spilled = 0

    @classmethod
    def within_budget(cls, false_pages_per_week: float, streams: int, events_per_week: float) -> Repeats:
        """Spend a budget of false pages over `streams` streams of `events_per_week` events each."""
        return cls(level_from_budget(false_pages_per_week, streams, events_per_week))

    def add(self, event: Event) -> Alarm | None:
        """Count one request and return the alarm it raises. Probes and shadowed requests raise none."""
        if not _is_asked(event):
            return None
        raised = []
        for segment in self.open_segments(event.version, event.tenant, event.segments):
            for tenant in self.whose(event.version, event.tenant, segment):
                stream = self._stream((event.version, tenant, segment))
                if stream is not None and self._count(stream, event, segment):
                    raised.append((segment, stream))
        return self._alarm(event, raised) if raised else None

    def add_many(self, events: Iterable[Event]) -> Iterator[Alarm]:
        """Count requests in their order and yield each alarm where it is raised: what whoever hears it explains or
        restores holds for the requests after it. Nothing is counted that is not asked for: take all of it.

        A miss where there is no evidence only counts who sent it, so those are counted together.
        """
        asked = [event for event in events if _is_asked(event)]
        if not self._have_room(asked):
            yield from (alarm for event in asked if (alarm := self.add(event)) is not None)
            return
        calm: _Calm = defaultdict(list)
        for event in asked:
            if event.ood_flag:
                self._add_calm(calm)
                alarm = self.add(event)
            else:
                fed = self.open_segments(event.version, event.tenant, event.segments)
                calm[event.version, event.tenant].extend(fed)
                raised = self._cooled(event, fed) if self._is_warm(fed) else []
                if raised:
                    self._add_calm(calm)
                alarm = self._alarm(event, raised) if raised else None
            if alarm is not None:
                yield alarm
        self._add_calm(calm)

    def explain(self, version: str, tenant: str, segment: str) -> None:
        """Note that an order holds here: its hits are known. Called for every order at start-up."""
        self._explained.setdefault(version, set()).add((tenant, segment))

    def restored(self, version: str, tenant: str = "*", segment: str = "*") -> None:
        """Begin anew inside a restored scope: evidence, explanations and the count of alarms. `*` is all versions."""
        for key, stream in self.streams.items():
            if _lies_in(key, (version, tenant, segment)):
                self.restart(key[2], stream)
        for one in self._explained:
            kept = {place for place in self._explained[one] if not _lies_in((one, *place), (version, tenant, segment))}
            self._explained[one] = kept
        self._alarms = [
            alarm
            for alarm in self._alarms
            if not _lies_in((alarm.version, alarm.tenant, alarm.segment), (version, tenant, segment))
        ]

    def resume(self, alarms: Iterable[Alarm]) -> None:
        """Count alarms of before a restart as well; their segments explain their hits."""
        self._alarms = [*alarms, *self._alarms]
        for alarm in self._alarms:
            self._explain(alarm)

    def alarms(self) -> tuple[Alarm, ...]:
        """Return the alarms since the last restore, oldest first."""
        return tuple(self._alarms)

    def open_segments(self, version: str, tenant: str, segments: tuple[str, ...]) -> tuple[str, ...]:
        """Return the segments whose streams an event feeds: those that explain it, or else all of them and `*`."""
        known = self._explained.get(version)
        if known:
            explaining = [segment for segment in segments if ("*", segment) in known or (tenant, segment) in known]
            if explaining:
                return tuple(explaining)
        return tuple(dict.fromkeys((*segments, "*")))

    def whose(self, version: str, tenant: str, segment: str) -> tuple[str, ...]:
        """Return whose streams of a segment a tenant's request feeds: everybody's and its own, or its own alone where
        an order holds for this tenant and not for everybody."""
        if tenant == "*":
            return ("*",)
        known = self._explained.get(version)
        if known and ("*", segment) not in known and not known.isdisjoint(((tenant, segment), (tenant, "*"))):
            return (tenant,)
        return ("*", tenant)

    def fits(self, new: int) -> bool:
        """True when there is room for so many streams more without dropping one."""
        return len(self.streams) + new <= MOST_LIVE_STREAMS

    def move(self, segment: str, stream: Stream, state: EState) -> None:
        """Put a stream of a segment into another state."""
        self._warmed(segment, stream.state.log_e > 0.0, state.log_e > 0.0)
        stream.state = state

    def restart(self, segment: str, stream: Stream) -> None:
        """Let a stream of a segment begin anew."""
        self.move(segment, stream, EState())
        stream.restart()

    def _have_room(self, events: Sequence[Event]) -> bool:
        """True when there is room for every stream that these events may feed."""
        named: defaultdict[tuple[str, str], set[str]] = defaultdict(lambda: {"*"})
        for event in events:
            named[event.version, event.tenant].update(event.segments)
        fed = {
            (version, whose, segment)
            for (version, tenant), segments in named.items()
            for whose in ("*", tenant)
            for segment in segments
        }
        return self.fits(len(fed.difference(self.streams)))

    def _add_calm(self, calm: _Calm) -> None:
        """Count who sent misses, and forget them."""
        for (version, tenant), fed in calm.items():
            for segment, n in Counter(fed).items():
                for whose in self.whose(version, tenant, segment):
                    stream = self.streams.get((version, whose, segment))
                    if stream is None:
                        stream = self.streams[version, whose, segment] = Stream()
                    stream.sent[tenant] += n
        calm.clear()

    def _cooled(self, event: Event, fed: Sequence[str]) -> list[tuple[str, Stream]]:
        """Let a miss cool the streams with evidence; return those that alarm still."""
        raised = []
        for segment in fed:
            for tenant in self.whose(event.version, event.tenant, segment) if segment in self._warm else ():
                stream = self.streams.get((event.version, tenant, segment))
                if stream is not None and stream.state.log_e > 0.0 and self._update(stream, event, segment):
                    raised.append((segment, stream))
        return raised

    def _is_warm(self, segments: Sequence[str]) -> bool:
        """True when some stream of these segments may have evidence."""
        return bool(self._warm) and not self._warm.keys().isdisjoint(segments)

    def _warmed(self, segment: str, before: bool, after: bool) -> None:
        """Note whether a stream of a segment has evidence."""
        if before != after:
            self._warm[segment] += after - before
            if not self._warm[segment]:
                del self._warm[segment]

    def _stream(self, key: Key) -> Stream | None:
        stream = self.streams.get(key)
        if stream is None:
            if len(self.streams) >= MOST_LIVE_STREAMS and key[1:] != ("*", "*") and not self._make_room():
                self.spilled += 1
                return None
            stream = self.streams[key] = Stream()
        return stream

    def _make_room(self) -> bool:
        """Drop the streams without evidence: one that starts again from nothing is in the same state.

        A flood of new values must not cost a look at every stream each time, so a vain look is not soon repeated.
        """
        if self._until_look > 0:
            self._until_look -= 1
            return False
        kept = {key: stream for key, stream in self.streams.items() if key[2] == "*" or stream.state.log_e > 0.0}
        self.streams = kept
        self._until_look = 0 if len(kept) < MOST_LIVE_STREAMS // 2 else MOST_LIVE_STREAMS
        return len(kept) < MOST_LIVE_STREAMS

    def _count(self, stream: Stream, event: Event, segment: str) -> bool:
        """Feed one stream; True when it alarms."""
        stream.sent[event.tenant] += 1
        if stream.state.log_e <= 0.0:
            if not event.ood_flag:
                return False  # a miss at the floor leaves it at the floor
            stream.restart()
        return self._update(stream, event, segment)

    def _update(self, stream: Stream, event: Event, segment: str) -> bool:
        self.move(segment, stream, update(stream.state, event.ood_flag, self.null_rate))
        if event.ood_flag:
            stream.hits[event.tenant] += 1
            stream.inside.update(event.segments)
        return alarmed(stream.state, self.level, self.min_hits)

    def _alarm(self, event: Event, raised: list[tuple[str, Stream]]) -> Alarm:
        segment, stream = min(raised, key=lambda one: (_width(one[0]), one[1].state.n - one[1].state.since, one[0]))
        state = stream.state
        alarm = Alarm(
            version=event.version,
            tenant=self._tenant(event, segment, stream),
            segment=segment,
            hits=state.hits,
            n=state.n - state.since,
            log_e=state.log_e,
            at=event.at,
        )
        self._restart_explained(alarm)
        self._explain(alarm)
        self._alarms.append(alarm)
        return alarm

    def _explain(self, alarm: Alarm) -> None:
        """Its hits are known from now on. An alarm of all tenants on everything explains nothing: it names no part."""
        if (alarm.tenant, alarm.segment) != ("*", "*"):
            self.explain(alarm.version, alarm.tenant, alarm.segment)

    def _tenant(self, event: Event, segment: str, raised: Stream) -> str:
        """The tenant that explains the hits of all tenants in this segment, or `*` (DECISIONS §6)."""
        own = self.streams.get((event.version, event.tenant, segment))
        if raised is own and self.whose(event.version, event.tenant, segment) == (event.tenant,):
            return event.tenant  # an order holds for this tenant already, and nobody else's hits are counted here
        stream = self.streams.get((event.version, "*", segment))
        if stream is None:
            return "*"
        total = stream.hits.total()
        for tenant, hits in stream.hits.most_common(1):
            others = (sent for other, sent in stream.sent.items() if other != tenant)
            if hits < EXPLAINS * total or max(others, default=0) < NARROW_OTHERS:
                return "*"
            if total >= NARROW_HITS or (tenant == event.tenant and self._alone(event, segment, own)):
                return tenant
        return "*"

    def _alone(self, event: Event, segment: str, own: Stream | None) -> bool:
        """True when a tenant's own stream alarms, and no other tenant's has in this segment."""
        if own is None or not alarmed(own.state, self.level, self.min_hits):
            return False
        return not any(
            (alarm.version, alarm.segment) == (event.version, segment) and alarm.tenant not in ("*", event.tenant)
            for alarm in self._alarms
        )

    def _restart_explained(self, alarm: Alarm) -> None:
        """Restart the stream that alarmed, and every one whose hits mostly lay in its segment."""
        for (version, tenant, segment), stream in self.streams.items():
            if version != alarm.version or (alarm.tenant != "*" and tenant not in ("*", alarm.tenant)):
                continue
            if _share(stream, alarm) >= EXPLAINS:
                self.restart(segment, stream)


def _is_asked(event: Event) -> bool:
    """Probes and shadowed requests raise no alarm."""
    return event.probe is None and event.arm not in (SHADOW, HELD)


def count_since(alarms: Iterable[Alarm], version: str, segment: str = "*") -> int:
    """Return how many alarms a version had inside a segment; in `*`, all of them."""
    return sum(alarm.version == version and contains(segment, alarm.segment) for alarm in alarms)


def _share(stream: Stream, alarm: Alarm) -> float:
    if alarm.segment == "*":
        return 1.0
    total = stream.hits.total()
    return stream.inside[alarm.segment] / total if total else 0.0


def _width(segment: str) -> int:
    """0 for one key with an unknown value, 1 for one key, 2 for a pair, 3 for everything."""
    terms = parse_segment(segment)
    if not terms:
        return 3
    if len(terms) > 1:
        return 2
    return 0 if next(iter(terms.values())) == {UNSEEN} else 1


def _lies_in(key: Key, scope: Key) -> bool:
    version, tenant, segment = key
    return scope[0] in ("*", version) and scope[1] in ("*", tenant) and contains(scope[2], segment)
