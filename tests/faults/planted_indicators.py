"""Faults of the indicators that live windows give: drift, latency, gaps, overturns, estimates, and their wiring."""
# ruff: noqa: E501 - one fault a line, as long as the code it changes

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "stats/calibration.py",
        "tests/stats/test_calibration.py",
        (
            "few bad blocks are averaged away",
            "max(value, pooled_upper) if high is None else high",
            "pooled_upper if high is None else high",
        ),
        (
            "a rank too far",
            "None if high is None else float(blocks[high - 1])",
            "None if high is None else float(blocks[high - 2])",
        ),
        (
            "no bound is the largest block",
            "(None if high is None else float(blocks[high - 1]))",
            "float(blocks[-1 if high is None else high - 1])",
        ),
        (
            "no lower bound is the smallest block",
            "lower = 0.0 if low is None else low",
            "lower = value if low is None else low",
        ),
    ),
    *_in(
        "stats/group_gaps.py",
        "tests/observe/test_measure_groups.py",
        ("a handful is judged", "return self.n < LEAST_ROWS", "return self.n < 20"),
        ("the lower bound was not picked", "strict = 1.0 - (1.0 - level) / len(kept)", "strict = level"),
        (
            "the smaller group does not count",
            "return min(self.worse.n, self.better.n)",
            "return max(self.worse.n, self.better.n)",
        ),
        ("the mildest gap is judged", "LargestGap(max(one[0] for one in own)", "LargestGap(min(one[0] for one in own)"),
    ),
    *_in(
        "observe/over.py",
        "tests/observe/test_over.py",
        ("a gap keeps its number", "(None, None, None) if self.silent else bounds", "bounds"),
        (
            "several values are one window",
            "for value in sorted(values)] for key",
            "for value in sorted(values)[:1]] for key",
        ),
        (
            "the tenant of the segment is passed over",
            "terms.pop(TENANT, frozenset({scope.tenant}))",
            "frozenset({scope.tenant})",
        ),
        (
            "slim windows pass for full ones",
            "set(parse_segment(scope.segment)) <= {TENANT}",
            "len(parse_segment(scope.segment)) <= 1",
        ),
    ),
    *_in(
        "observe/measure_drift.py",
        "tests/observe/test_measure_drift.py",
        ("another reference's cells count", "if one.cells and one.reference == reference]", "if one.cells]"),
        ("the mildest feature is judged", "worst = max(found, key", "worst = min(found, key"),
        ("the lower bound was not picked", "share = 1.0 - (1.0 - level) / len(bins.features)", "share = level"),
        (
            "the upper bound is the worst feature's",
            "hi = max(one.seen.apart.upper for one in found)",
            "hi = worst.seen.apart.lower",
        ),
        (
            "a broken dependence is not told",
            "broken = [one for one in joint if one.strict > 0.0]",
            "broken = [one for one in joint if one.strict > 9.0]",
        ),
        (
            "the next projection's cells",
            "live[end - size : end]",
            "live[max(0, end - size - 16) : end - 16 if end > size else end]",
        ),
        ("no scores of the reference are no drift", "if reference is None or not n:", "if reference is None:"),
    ),
    *_in(
        "observe/measure_latency.py",
        "tests/observe/test_measure_latency.py",
        (
            "the upper bound is its lower edge",
            "_EDGES[bisect_left(below, high) + 1]",
            "_EDGES[bisect_left(below, high)]",
        ),
        ("the lower bound is its upper edge", "_EDGES[bisect_left(below, low)]", "_EDGES[bisect_left(below, low) + 1]"),
        ("few times are bounded", "NO_BOUND_MS if high is None else", "_EDGES[at + 1] if high is None else"),
        ("the open bin ends", "value = _EDGES[at] if open_end", "value = _EDGES[at + 1] if open_end"),
        (
            "probes and shadows are fast",
            "in within(windows, over.scope, over.start, over.end) if one.latency",
            "in windows if one.latency",
        ),
    ),
    *_in(
        "observe/measure_groups.py",
        "tests/observe/test_measure_groups.py",
        ("what was folded is a group", "if feature in found and value != OTHER:", "if feature in found:"),
        ("a handful is shown", "        if pair.n >= LEAST_SHOWN\n", ""),
        ("misses are no errors", '"error_rate": (missed + alarmed, sum(all_))', '"error_rate": (alarmed, sum(all_))'),
        (
            "all labels are chances to miss",
            '"false_negative_rate": (missed, sum(ones))',
            '"false_negative_rate": (missed, sum(all_))',
        ),
        ("a metric without a source is zero", "    if metric not in COUNTED:", "    if False:"),
        ("half is another half", "_HALF = SCORE_BINS // 2", "_HALF = SCORE_BINS // 2 + 1"),
    ),
    *_in(
        "observe/measure_estimated.py",
        "tests/observe/test_measure_estimated.py",
        ("unknown scores are right", "min(1.0, hi + outside)", "hi"),
        ("most scores may be unknown", "    if outside > MOST_OUTSIDE:", "    if outside > 1.0:"),
        (
            "recalibration is exact",
            "rows = middle * (1.0 - middle) / (spread + middle * (1.0 - middle) / n)",
            "rows = float(n)",
        ),
        ("the upper side is wrong as well", "ones if at < _HALF else rows - ones", "ones"),
        ("cells cross one half", "[*_joined(bins[:_HALF]), *_joined(bins[_HALF:])]", "_joined(bins)"),
        ("cells of one row", "        if rows >= LEAST_ROWS:", "        if rows >= 1:"),
    ),
    *_in(
        "observe/measure_labels.py",
        "tests/observe/test_measure_labels.py",
        ("few labels are enough", "PROVISIONAL = 0.8", "PROVISIONAL = 0.08"),
        (
            "shadows fill the coverage",
            "have = sum(sum(one.n) for one in labelled(labels, answered))",
            "have = sum(sum(one.n) for one in labels)",
        ),
        (
            "no window means full coverage",
            "if expected and PROVISIONAL * expected <= have <= expected:",
            "if PROVISIONAL * expected <= have:",
        ),
        ("a silent shard is no gap of coverage", "    if have > expected:  # labels", "    if False:  # labels"),
        (
            "two blocks make a percentile",
            "    if len(cut) < MIN_BLOCKS or pooled.hi is None:",
            "    if len(cut) < 2 or pooled.hi is None:",
        ),
        ("a block of a handful", "        if have >= MIN_LABELS:", "        if have >= 30:"),
    ),
    *_in(
        "respond/playbook.py",
        "tests/respond/test_playbook.py",
        ("an estimate kills", "Named.HUMAN_REVIEW if estimated else", "Named.HUMAN_REVIEW if False else"),
        (
            "what is on trial acts",
            "    if judgement.trial or slo.trial or not judgement.here:",
            "    if not judgement.here:",
        ),
        (
            "no data is good news",
            "slo.on_no_data is not OnNoData.HOLD_AND_PAGE",
            "slo.on_no_data is OnNoData.HOLD_AND_PAGE",
        ),
        (
            "a restored breach trips again",
            "judgement.outcome is Outcome.BREACHED and acknowledged(state, where, ended, now)",
            "False",
        ),
        (
            "another segment is degraded as well",
            'scope if judgement.segment == "*" else replace(scope, segment=judgement.segment)',
            "scope",
        ),
        (
            "a tenant is killed alone after a leak",
            'never.scope == "tenant" and not attempt.leaked and not elsewhere',
            'never.scope == "tenant" and not elsewhere',
        ),
    ),
    *_in(
        "contract/live_limits.py",
        "tests/contract/test_live_limits.py",
        (
            "nobody hears of a segment that is not shown",
            "for one in slo.segments if set(parse_segment(one)) - {_TENANT}]",
            "for one in slo.segments if not parse_segment(one)]",
        ),
        ("a tenant is not shown either", "if set(parse_segment(one)) - {_TENANT}]", "if set(parse_segment(one))]"),
        (
            "an estimate seems to kill",
            "slo.action_on_breach is Action.ROUTE_TO_HUMAN_REVIEW",
            "slo.action_on_breach is Action.KILL_SWITCH",
        ),
        (
            "every SLO is warned of",
            "if set(parse_segment(one)) - {_TENANT}] if why else []",
            "if set(parse_segment(one)) - {_TENANT}]",
        ),
        (
            "what an estimate does not do is not told",
            "    if not INDICATORS[slo.indicator].estimated or",
            "    if INDICATORS[slo.indicator].estimated or",
        ),
    ),
    *_in(
        "runtime/telemetry.py",
        "tests/runtime/test_indicators.py",
        (
            "an answer is no label",
            "fresh = not held and bool(summaries) and store.add_label(told.request, *summaries, cells=cells)",
            "fresh = False",
        ),
        ("a label takes the review away", "        if counted:\n", "        if counted and fresh:\n"),
        ("an answer is counted again and again", "            done(store)\n", ""),
        ("reviews are kept nowhere", "            self.kept.take_labels(reviews)\n", "            pass\n"),
        (
            "labels of answers are kept nowhere",
            "        if fresh:\n            self._shadows.pop(told.request, None)\n            self.kept.take_labels(summaries, cells)\n",
            "",
        ),
        (
            "labels are judged before they mature",
            "late.matured_before(now_minute, matured_after) if labels else now_minute",
            "now_minute",
        ),
    ),
    *_in(
        "runtime/measured.py",
        "tests/runtime/test_indicators.py",
        ("an overturn is never measured", 'if slo.indicator == "overturn_rate":', 'if slo.indicator == "overturned":'),
        (
            "scores are compared with those of everybody",
            "known.scores.get(asked.scope.segment)",
            'known.scores.get("all")',
        ),
        ("groups are nobody's", "len(terms) == 1 and next(iter(terms)) in known.protected", "False"),
        (
            "a tenant is everybody",
            "for place in places(scope) for one in kept.over((scope.version, *place), start, end)",
            'for place in [("*", "*")] for one in kept.over((scope.version, *place), start, end)',
        ),
        (
            "a gap is quiet",
            "silent = kept.silent(asked.start, asked.end)\n    over = Over",
            "silent = ()\n    over = Over",
        ),
        ("labels of groups are all labels", "labelled(labels, replace(over, scope=here))", "labels"),
    ),
)
