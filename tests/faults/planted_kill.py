"""Faults of the kill switch: who is assumed, what does not hold, what is written twice, whom junk takes along."""
# ruff: noqa: E501 - one fault a line, as long as the code it changes

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "store/replicas.py",
        "tests/store/test_replicas.py",
        ("who is behind answers", '"answers" if later else', '"answers" if True else'),
        ("who stands still is behind", '"stopped" if _stands(pid, started) else "behind"', '"behind"'),
        ("the dead are alive", "alive = not _is_free(file)", "alive = True"),
        ("an older epoch will do", "later = sorted(one for one in ring if one.epoch >= epoch)", "later = sorted(ring)"),
        (
            "the newest answer counts",
            "took_ms=round((later[0].ns - since_ns)",
            "took_ms=round((later[-1].ns - since_ns)",
        ),
        (
            "a moment that is not kept is made up",
            "known = bool(later) and (len(ring) < KEPT or len(later) < len(ring))",
            "known = bool(later)",
        ),
        ("who began later is timed", " if known and began_ns < since_ns else None", " if known else None"),
        (
            "an unread file answers",
            'state="behind" if alive else "ended", epoch=0',
            'state="answers" if alive else "ended", epoch=0',
        ),
        ("a half written entry is one", "if raw[at + _SEEN.size : at + _ENTRY] == _check(entry):", "if any(entry):"),
        (
            "a file is open to all",
            "os.O_RDWR | os.O_CREAT | os.O_EXCL)\n        fcntl",
            "os.O_RDWR | os.O_CREAT | os.O_EXCL)\n        os.fchmod(self._file, 0o644)\n        fcntl",
        ),
        ("a file is not locked", "        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", ""),
        (
            "what the dead left stays",
            "                    path.unlink(missing_ok=True)\n",
            "                    pass\n",
        ),
        (
            "a file that was taken away stays away",
            "        for number, one in enumerate(self._seen):\n            self._write(number, one)\n",
            "",
        ),
        ("nobody waits", "if not any(one.silent for one in found) or time.monotonic() >= until:", "if True:"),
        (
            "what was not written counts as told",
            "        self._write(self._n, one)\n        self._seen = [*self._seen, one][-KEPT:]  #",
            "        self._seen = [*self._seen, one][-KEPT:]\n        self._write(self._n, one)  #",
        ),
        ("the same again is a first answer", "if self._seen and self._seen[-1].epoch == epoch:", "if False:"),
    ),
    *_in(
        "runtime/replica.py",
        "tests/runtime/test_replica.py",
        ("nobody looks", "            live.epoch()\n", "            pass\n"),
        ("nothing is told", "            self._slot.saw(epoch, self._clock())\n", ""),
        ("a good end is no end", "        self._slot.end()\n", ""),
        ("what held at the start is not told", "        self.took_up(live.state.epoch)\n", ""),
        ("it is looked for once a minute", "LOOK_EVERY_S = 0.015 ", "LOOK_EVERY_S = 60.0 "),
    ),
    *_in(
        "runtime/live.py",
        "tests/flows/test_tighten.py tests/runtime/test_live.py",
        (
            "what is journalled holds only when all can be read",
            "            state = hold(state, held)\n",
            "            pass\n",
        ),
        (
            "what is journalled is not compiled",
            "            self._compiled = Compiled(state, self.model, *self._fallbacks)\n",
            "",
        ),
    ),
    *_in(
        "runtime/authority.py",
        "tests/flows/test_kill_local.py",
        ("a cut off kill stays cut off", "if self.files.cut_off():", "if False:"),
    ),
    *_in(
        "runtime/authority.py",
        "tests/runtime/test_authority_machine.py tests/runtime/test_authority_meets.py",
        (
            "a restore is not written down",
            'return self._loosen(",".join(person.id for person in people), "respond.restored", body, before)',
            'return self._loosen("x", "respond.noted", body, before)',
        ),
        (
            "what loosens acts before it is written",
            "        entry = self.ledger.append(actor, kind, body)\n",
            "        self.files.write(__import__('msgspec').structs.replace(before, epoch=before.epoch + 1, orders=()))\n        entry = self.ledger.append(actor, kind, body)\n",
        ),
        (
            "the journal is not taken up first",
            "before = None if self.files.unreconciled() else self._read()",
            "before = self._read()",
        ),
        (
            "what came meanwhile is lost by a loosening",
            "after = arrived(step(before, entry), self.files.unreconciled())",
            "after = step(before, entry)",
        ),
        (
            "what came meanwhile is lost by who comes back",
            "folded = arrived(folded, self.files.unreconciled())",
            "folded = arrived(folded, ())",
        ),
        (
            "an order waits for the ledger",
            "        entry = self.ledger.append(actor, kind, body)\n        with self.files.locked():\n",
            "        with self.files.locked():\n            entry = self.ledger.append(actor, kind, body)\n",
        ),
        (
            "an order waits while the ledger is read",
            "            folded = self.ledger.replay()\n            with self.files.locked():\n",
            "            with self.files.locked():\n                folded = self.ledger.replay()\n",
        ),
        (
            "who comes back does not look at the ledger",
            "            if folded.epoch > held.epoch:",
            "            if False:",
        ),
    ),
    *_in(
        "store/posture.py",
        "tests/flows/test_kill_local.py",
        (
            "whatever is announced is cut off",
            "return twin is not None and header.announced and header.epoch > twin.epoch",
            "return False",
        ),
    ),
    *_in(
        "store/posture.py",
        "tests/runtime/test_authority_machine.py tests/store/test_kill.py",
        (
            "an older state wins",
            "            if state.epoch < max(header.epoch, before.epoch):\n                return False\n",
            "",
        ),
        (
            "a known order is journalled again",
            "            if self._journal.knows(held):\n                return False\n",
            "",
        ),
    ),
    *_in(
        "facts/state.py",
        "tests/runtime/test_authority_machine.py tests/store/test_kill.py",
        ("an epoch does not grow", "epoch=state.epoch + (after != state))", "epoch=state.epoch)"),
    ),
    *_in(
        "store/posture.py",
        "tests/store/test_unreadable.py tests/runtime/test_authority_waits.py",
        ("changes do not take turns", "while not _taken(descriptor):", "while False:"),
        ("who is kept out waits for ever", "if time.monotonic() > until:", "if False:"),
        (
            "a damaged order keeps the twin from the next",
            "            return self._agreed()\n",
            "            self.read()\n            return self._agreed()\n",
        ),
        (
            "an unread map is epoch 0 for a kill no more",
            "            return read().epoch\n        except (CannotDecide, Unreachable):",
            "            return read().epoch\n        except ZeroDivisionError:",
        ),
    ),
    *_in(
        "store/journal.py",
        "tests/store/test_unreadable.py tests/store/test_posture.py",
        ("one that cannot be read is none", "faults.append(str(problem))", "pass"),
        (
            "a folder that cannot be listed is empty",
            "            return (), (str(problem),)\n",
            "            return (), ()\n",
        ),
        (
            "one that cannot be read hides all",
            "                if os.path.lexists(path):",
            "                return (), (str(problem),)\n                if os.path.lexists(path):",
        ),
        ("what cannot be read is passed over", "        if faults:\n", "        if False:\n"),
    ),
    *_in(
        "store/safe_files.py",
        "tests/store/test_unreadable.py tests/store/test_posture.py",
        ("a link is followed", "_PLAIN: Final = os.O_NOFOLLOW | os.O_CLOEXEC", "_PLAIN: Final = os.O_CLOEXEC"),
        ("what root made is root's", "if flags & os.O_CREAT:", "if False:"),
        ("a folder that root made is root's", "        if made:\n", "        if False:\n"),
        ("anybody's directory is a state's", "if home.st_uid != 0 and not home.st_mode & 0o077:", "if False:"),
    ),
    *_in(
        "runtime/live.py",
        "tests/store/test_unreadable.py tests/runtime/test_unreadable_state.py",
        ("an unreadable order orders nothing", "self._blind = bool(faults)", "self._blind = False"),
        ("blind for ever", 'after, "", False', 'after, "", self._blind'),
        (
            "a map that is refused is an answer",
            "        except (CannotDecide, Unreachable) as problem:\n            self",
            "        except CannotDecide as problem:\n            self",
        ),
        (
            "a file that is refused is an answer",
            "        except (CannotDecide, Unreachable) as problem:\n            # Perhaps",
            "        except CannotDecide as problem:\n            # Perhaps",
        ),
    ),
    *_in(
        "flows/given_order.py",
        "tests/flows/test_kill_local.py tests/flows/test_given_order.py",
        ("a site is made where none is", "    if not path.is_file():\n", "    if False:\n"),
        ("any version is served", 'if version == "*" or version in here:', "if True:"),
        ("any model is served", 'if here and model not in ("*", here) else', "if False else"),
        ("any key tells a segment", "        if key not in names\n", "        if False\n"),
        ("what cannot be read holds", '        return str(problem)\n    return ""', '        return ""\n    return ""'),
    ),
    *_in(
        "flows/kill_local.py",
        "tests/flows/test_kill_local.py",
        ("who says so is believed", 'by = f"{CLAIMED}{_printable(claimed)}"', "by = _printable(claimed) or 'x'"),
        ("it confirms itself", 'confirmed_by="")', "confirmed_by=by)"),
        (
            "the same is another",
            "            files.journal_kill(held)\n        return before or held",
            "            files.journal_kill(held)\n        return held",
        ),
        ("two at once are two", "before = _same(files, held)", "before = None"),
        (
            "what cannot be read is announced",
            "    postures.order(RuntimeState(), held)  # raises for an order that cannot be read\n",
            "",
        ),
        (
            "words are kept as they are",
            'return " ".join("".join(one if one.isprintable() else " " for one in plain).split())[:MOST_WORDS]',
            "return text",
        ),
    ),
    *_in(
        "flows/tighten.py",
        "tests/flows/test_tighten.py tests/flows/test_posture.py",
        (
            "a number that is taken stops a kill",
            "    except CannotDecide:  # a store",
            "    except ZeroDivisionError:  # a store",
        ),
        ("anybody kills", "    if person not in known:\n", "    if False:\n"),
        ("nothing holds", "        files.journal_kill(held)\n    except", "        pass\n    except"),
        ("nobody's answer is kept", "            if replicas is not None:\n", "            if False:\n"),
        ("a store that hangs is waited for", "    except (CannotDecide, Unreachable):\n", "    except CannotDecide:\n"),
        (
            "what cannot be read is announced",
            "    postures.order(RuntimeState(), held)  # raises for an order that cannot be read\n",
            "",
        ),
    ),
    *_in(
        "cli/kill.py",
        "tests/flows/test_tighten.py tests/flows/test_kill_local.py",
        ("who is silent is well", "return 0 if all_ or wait_s is None else 4", "return 0"),
        (
            "nobody is everybody",
            "all_ = any(one.alive for one in seen) and not any(one.silent for one in seen)",
            "all_ = not any(one.silent for one in seen)",
        ),
        (
            "the verdict forgets who is silent",
            "    silent = [one.name for one in seen if one.silent]\n",
            "    silent: list[str] = []\n",
        ),
        (
            "some folder's contract names the model",
            'model=model or "*"',
            'model=model or scope_of(ctx, ("", "*", "*", "*")).model',
        ),
    ),
    *_in(
        "flows/posture.py",
        "tests/flows/test_restore_attacks.py",
        (
            "any approval will do here",
            "if approval.what == what and _holds(contract, approval):",
            "if _holds(contract, approval):",
        ),
        ("a key is its file", "key=key_id(load_public(person.key)))", "key=person.key)"),
        (
            "a moment still to come is signed again",
            'between[0] <= entry.body["up_to"] <= between[1]',
            'between[0] <= entry.body["up_to"]',
        ),
        (
            "a moment before the order is signed again",
            'between[0] <= entry.body["up_to"] <= between[1]',
            'entry.body["up_to"] <= between[1]',
        ),
    ),
    *_in(
        "respond/postures.py",
        "tests/flows/test_restore_attacks.py",
        (
            "the future is acknowledged",
            "return tuple(one for one in state.acknowledged if before(limit, one.up_to) is not True)",
            "return state.acknowledged",
        ),
    ),
    *_in(
        "respond/playbook.py",
        "tests/respond/test_playbook_table.py tests/flows/test_restore_attacks.py",
        (
            "an alarm of a future acknowledgement is excused",
            "acknowledged(state, where, alarm.at, now)",
            "acknowledged(state, where, alarm.at)",
        ),
        (
            "an estimate is believed",
            "return Named.HUMAN_REVIEW if estimated else POSTURE_OF_ACTION[slo.action_on_breach]",
            "return POSTURE_OF_ACTION[slo.action_on_breach]",
        ),
        (
            "a trial acts",
            "if judgement.trial or slo.trial or not judgement.here:",
            "if judgement.trial or not judgement.here:",
        ),
        ("an alarm in trial acts", "    if slo is not None and slo.trial:\n        return None\n", ""),
    ),
    *_in(
        "observe/repeats.py",
        "tests/observe/test_repeats.py",
        (
            "a flood is everybody's",
            "            if total >= NARROW_HITS or (tenant == event.tenant and self._alone(event, segment, own)):",
            "            if total >= NARROW_HITS:",
        ),
        (
            "the second tenant is alone too",
            "            (alarm.version, alarm.segment) == (event.version, segment) and",
            "            False and",
        ),
        ("others need not be well", "max(others, default=0) < NARROW_OTHERS", "False"),
        ("part of the hits is all of them", "if hits < EXPLAINS * total or", "if"),
        ("a tenant's order explains nothing", 'not known.isdisjoint(((tenant, segment), (tenant, "*")))', "False"),
        ("an order for everybody is for one", 'if known and ("*", segment) not in known and not', "if known and not"),
        (
            "an alarm of one tenant on everything explains nothing",
            'if (alarm.tenant, alarm.segment) != ("*", "*"):',
            'if alarm.segment != "*":',
        ),
        (
            "any stream of its own is an alarm",
            "if own is None or not alarmed(own.state, self.level, self.min_hits):",
            "if own is None:",
        ),
    ),
)
