"""Faults of the review queue: its capacity, what a full one does, who opens what, and labels that are doubted."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

_STORE = "tests/store/test_review_queue.py"
_OVERFLOW = "tests/deploy/test_overflow.py"
_DESK = "tests/runtime/test_desk.py"
_API = "tests/runtime/test_reviews_api.py"
_WATCH = "tests/runtime/test_label_watch.py"
_DOUBTED = "tests/runtime/test_doubted_labels.py"
_ENQUEUE = "tests/runtime/test_enqueue.py"
_SUSPECTS = "tests/observe/test_suspects.py"
_QUEUE = "tests/respond/test_queue.py"
_FLOOD = "tests/runtime/test_queue_flood.py"
_SAME = "tests/runtime/batch/test_same_as_one_by_one.py"
_LOOSENING = "tests/contract/test_loosening.py"

FAULTS: tuple[Fault, ...] = (
    *_in(
        "store/review.py",
        _STORE,
        ("one more fits than there is room for", "waiting >= room.capacity", "waiting > room.capacity"),
        ("a tenant has no quota", " or mine >= room.quota", ""),
        ("who answered may look again", " and all(one.person != who for one in item.answers)", ""),
        ("a lease outlives the deadline", "lease_until=min(until, item.deadline)", "lease_until=until"),
        ("two people need not agree", "for other in answers) >= 2", "for other in answers) >= 1"),
        (
            "an expired input stays",
            'status=QueueStatus.EXPIRED, sealed=b"", leased_by',
            "status=QueueStatus.EXPIRED, leased_by",
        ),
        (
            "one may hold any number",
            "if most is not None and held >= most:",
            "if most is not None and held > most + 9:",
        ),
        ("anybody gives back", "    if not is_held(item, who, now):\n", "    if False:\n"),
    ),
    *_in(
        "store/queue.py",
        _STORE,
        ("what does not fit is not counted", "            add_overflow(db, {item.tenant: 1})\n", "            pass\n"),
        (
            "what has no end stays for ever",
            "(item.expires or item.deadline) if item.sealed",
            "item.expires if item.sealed",
        ),
        ("old inputs stay", "            if is_outlived(item, now, lives_s):\n", "            if False:\n"),
        (
            "tenants are told apart without end",
            "if tenant in known or len(known) < MOST_TENANTS else OTHER",
            "if True else OTHER",
        ),
        ("who has answered is not written", "canonical([one.person for one in item.answers]).decode()", '"[]"'),
    ),
    *_in(
        "deploy/overflow.py",
        _OVERFLOW,
        ("orders are forgotten", "tight = join((ordered, resolve", "tight = join((Posture(), resolve"),
        (
            "the contract need not declare it",
            ' if release.overflow == "fallback" else "refuse"',
            ' if True else "refuse"',
        ),
        ("the baseline answers for itself", "doubt = arm == CANDIDATE and not", "doubt = not"),
        ("never events fall back", "given.violated or given.unknown or given.failed", "given.failed"),
        (
            "a doubt of the baseline leaves",
            "if given.route == MACHINE else refused(given, FULL)",
            "if True else refused(given, FULL)",
        ),
        ("the suggestion stays", "suggestion=None, failed=True", "failed=True"),
    ),
    *_in(
        "deploy/http/decider.py",
        _OVERFLOW,
        ("no room is taken for room", 'return "" if told is Admission.QUEUED else FULL', 'return ""'),
        (
            "an order during the fallback is overlooked",
            "            if self.wiring.epoch() != under.epoch:\n",
            "            if False:\n",
        ),
        ("a rescue is not counted as one", "event.request, under.now_s, True)", "event.request, under.now_s, False)"),
    ),
    *_in(
        "respond/queue.py",
        _QUEUE,
        ("everything is looked at twice", "< second.share * _WHOLE", "< _WHOLE"),
        ("segments do not matter", "if second is None or not _inside(second, tenant, segments):", "if second is None:"),
        ("the tenant is no segment", '(*segments, canonical_segment({"tenant": (tenant,)}))', "tuple(segments)"),
        (
            "review is a label",
            "{words.deny: 0, words.approve: 1}",
            "{words.deny: 0, words.approve: 1, words.review: 0}",
        ),
    ),
    *_in(
        "runtime/desk.py",
        _DESK,
        ("strangers open inputs", "if found is None or not set(REVIEWERS) & set(found.roles):", "if found is None:"),
        ("the first answer is told", "        if not item.answer:  # another", "        if False:  # another"),
        (
            "the second sees the suggestion",
            'return {"row": content["row"]} if item.people > 1 else dict(content)',
            "return dict(content)",
        ),
        (
            "the first sees the suggestion",
            "if item.people > 1 else dict(content)",
            "if item.answers else dict(content)",
        ),
        ("an answer is recorded twice", "            if item != before:\n", "            if True:\n"),
        ("leases have no limit", "queue.leases_per_person, item_id)", "None, item_id)"),
        ("nobody hears of what expired", "        if gone:\n", "        if False:\n"),
        ("a reason may be a book", "len(because) > MOST_BECAUSE or not", "not"),
    ),
    *_in(
        "runtime/reviews_api.py",
        _API,
        ("who left still works", "await asyncio.to_thread(self._desk.may_review, token.person)", "pass"),
        (
            "unknown keys are let through",
            'msgspec.convert(loads(raw, "body"), kind, strict=True)',
            "msgspec.json.decode(raw, type=kind)",
        ),
        ("a move that is not theirs is a fault of ours", "raise Refusal(409, str(problem)) from problem", "raise"),
        (
            "the item is told with its input",
            '        "answers": len(item.answers),\n',
            '        "answers": len(item.answers),\n        "speed": 1,\n',
        ),
    ),
    *_in(
        "runtime/enqueue.py",
        _FLOOD,
        (
            "what a dead store missed is forgotten",
            "                store.add_overflow(late)\n",
            "                pass\n",
        ),
        ("every tenant has the capacity", "quota=queue.quota(asked.tenant)", "quota=queue.capacity"),
        (
            "what a dead store missed is not noted",
            "                self.uncounted[tenant if known else OTHER] += n\n",
            "                pass\n",
        ),
        (
            "what was missed is counted again and again",
            "late, self.uncounted = self.uncounted, Counter()",
            "late = Counter(self.uncounted)",
        ),
    ),
    *_in(
        "store/queue.py",
        _ENQUEUE,
        ("what a person has is withdrawn", "if item is None or not is_untouched(item):", "if item is None:"),
    ),
    *_in(
        "runtime/enqueue.py",
        _ENQUEUE,
        ("names have no end", "self.uncounted[tenant if known else OTHER] += n", "self.uncounted[tenant] += n"),
        ("nobody waits and it is queued", "            if given_up.is_set():\n", "            if False:\n"),
        ("what nobody waits for stays", "        if queued:\n", "        if False:\n"),
        ("what is taken back is not counted", "        store.add_overflow(gone)\n", "        pass\n"),
        (
            "what is undone is missed as well",
            "if writing.cancelled() or writing.exception() is not None:\n            self._miss(missed)",
            "self._miss(missed)\n        if writing.cancelled() or writing.exception() is not None:\n            pass",
        ),
        (
            "what failed is taken for done",
            "if writing.cancelled() or writing.exception() is not None:\n",
            "if writing.cancelled():\n",
        ),
    ),
    *_in(
        "runtime/batch/reviews.py",
        _FLOOD,
        ("nobody answers in a table", "falls[at] = may_fall_back(release, seen.arm, kind, bound)", "pass"),
        ("what did not fit stands", "marks = (~out, out & ~falls, falls)", "marks = (~falls, out & False, falls)"),
    ),
    *_in(
        "runtime/batch/reviews.py",
        _SAME,
        (
            "a dead queue costs machines too",
            "refused(one, why) if one.route == PERSON else one for",
            "refused(one, why) for",
        ),
        ("machines go to people", "np.array([one.route == PERSON for one", "np.array([True for one"),
    ),
    *_in(
        "observe/suspects.py",
        _SUSPECTS,
        ("no margin", "1 - alpha) + MARGIN", "1 - alpha)"),
        ("levels are not shared out", "alpha = ALPHA / ((look + 1) * (look + 2)) / 2", "alpha = 0.2"),
        ("hours do not matter", "for hour in mine.keys() & theirs.keys():", "for hour in mine:"),
        ("too little is enough", "if own.n < LEAST or others.n < LEAST:", "if own.n < 1 or others.n < 1:"),
        (
            "a denial is contradicted by a denial",
            "(receipt.decision == words.approve) != bool(label)",
            "(receipt.decision == words.deny) != bool(label)",
        ),
        ("looks come at every label", "n >= LEAST << looks", "n >= LEAST"),
    ),
    *_in(
        "runtime/label_watch.py",
        _WATCH,
        ("what is left out turns green", "    if version not in self._doubted or not good", "    if True or not good"),
        ("a doubted source goes on", "known is not None and known.flagged_at else", "False else"),
        ("people may be contradicted", "item is not None and item.label not in (None, told.label)", "False"),
        ("doubt is not on record", '        self._note(MACHINE, "respond.labels_quarantined", body)\n', ""),
        (
            "looks without others are spent",
            "            return one  # nothing",
            "            return replace(one, looks=one.looks + 1)  # nothing",
        ),
        ("hours are kept for ever", "sorted(hours)[-HOURS_KEPT:]", "sorted(hours)"),
    ),
    *_in(
        "runtime/label_watch.py",
        _DOUBTED,
        ("what is kept apart is doubted a minute late", "        self._doubted |= {told.receipt.version}\n", ""),
        (
            "what is kept apart of nobody in particular is green",
            "frozenset(doubted | {version for version, _, _ in store.quarantine_counts()})",
            "frozenset(doubted)",
        ),
        ("a pair is nobody", "said = item.answers or (alone,)", "said = (alone,)"),
        ("only the first of several is doubted", "for told, _ in self._voices:", "for told, _ in self._voices[:1]:"),
        (
            "all say what stands",
            "Voice(replace(told, source=one.person), one.changed)",
            "Voice(replace(told, source=one.person), item.changed)",
        ),
    ),
    *_in(
        "runtime/answers.py",
        _DOUBTED,
        (
            "one full quarantine stops all",
            "        except PolicySaysNo as problem:\n",
            "        except ZeroDivisionError as problem:\n",
        ),
        ("the rest comes never", "    while taken < MOST_RELEASED:\n", "    while taken < 1:\n"),
        ("no end to a round", "    while taken < MOST_RELEASED:\n", "    while True:\n"),
        ("trouble is swallowed", "                raise problem  # when", "                return taken  # when"),
    ),
    *_in(
        "runtime/late_labels.py",
        _DOUBTED,
        ("who sends too much is told a fault", "        except PolicySaysNo:", "        except ZeroDivisionError:"),
    ),
    *_in(
        "runtime/late_labels.py",
        _WATCH,
        ("senders have no rate", "if not self._rates.admit(source, self._clock().timestamp()).ok:", "if False:"),
        ("all senders are one", 'source = source or f"tenant {receipt.tenant}"', 'source = "one"'),
        ("what is kept apart was used", 'else "quarantined" if watched.apart else "used"', 'else "used"'),
    ),
    *_in(
        "runtime/controller.py",
        _DOUBTED,
        ("thresholds move on doubt", " or not self.act or self.doubted(version):", " or not self.act:"),
    ),
    *_in(
        "store/quarantine.py",
        _DOUBTED,
        ("one sender fills it", "if mine >= MOST_OF_SOURCE or every >= MOST:", "if every >= MOST:"),
        ("it has no end", "if mine >= MOST_OF_SOURCE or every >= MOST:", "if mine >= MOST_OF_SOURCE:"),
        ("labels keep answers out", 'FROM quarantine WHERE kind = ?"', "FROM quarantine WHERE ? <> ''\""),
        (
            "what one says pushes another out",
            '_ONE = "request = ? AND kind = ? AND source = ?"',
            '_ONE = "request = ? AND ?2 <> ?3"',
        ),
    ),
    *_in(
        "flows/quarantine.py",
        _DOUBTED,
        ("what changes nothing is counted", "if one.kind == BY_ANSWER or not _is_known(store, one)", "if True"),
        ("an answer on its way is overlooked", "    return on_its_way or store", "    return store"),
    ),
    *_in(
        "flows/quarantine.py",
        _WATCH,
        ("anybody releases", "        acting(shipped_contract(workspace, authority), person, OPERATOR)\n", ""),
        ("a doubt stays", 'hours=(), n=0, looks=0, flagged_at=""', "hours=(), n=0, looks=0"),
        ("nothing is something", "            if not n and not doubted:\n", "            if False:\n"),
    ),
    *_in(
        "contract/loosening_queue.py",
        _LOOSENING,
        (
            "a declared fallback is no loosening",
            'if old.overflow != new.overflow and new.overflow == "fallback":',
            "if False:",
        ),
        ("a smaller queue is none", "        yield from _smaller(old, new)\n", "        pass\n"),
        (
            "a narrower second review is none",
            "if not any(contains(kept, segment) for kept in now.segments):",
            "if False:",
        ),
        ("more leases are none", "if new.leases_per_person > old.leases_per_person:", "if False:"),
    ),
)
