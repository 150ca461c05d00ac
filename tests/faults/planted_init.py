"""Faults in what `check` asks of people and in what `init` takes from a project. Each lets a contract through that
nobody thought about, or judges a model on rows it has seen."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "contract/note.py",
        "tests/contract/test_note.py",
        ("template words are an answer", "elif why := thoughtless(answers[title], words):", 'elif why := "":'),
        ("a missing section is no matter", "if title not in answers:", "if False:"),
        ("any group will do", "if known is not None and MINORITY in thought and", "if False and"),
        ("any fallback will do", "if FALLBACK in thought and", "if False and"),
        ("a part of a word names a group", r'rf"(?<!\w){re.escape(_spoken(word))}(?!\w)"', "re.escape(_spoken(word))"),
        ("a note of any change", "if note.change == change:", "if note.change:"),
        ("a section may be written twice", "if title is not None and title in answers:", "if False:"),
        ("nobody signs", "if not getattr(front, key).strip():", "if False:"),
    ),
    *_in(
        "contract/front_matter.py",
        "tests/contract/test_note.py",
        ("an empty answer is one", "if not written:", "if False:"),
        ("the template's words are one's own", "if plain(template_words) in plain(text):", "if False:"),
        ("a placeholder will do", "if all(_PLACEHOLDER.fullmatch(line) for line in written)", "if False"),
        (
            "a comment is an answer",
            'return _COMMENT.sub(lambda comment: "\\n" * comment[0].count("\\n"), body)',
            "return body",
        ),
        ("a heading in a code fence is a section", "elif not fence and (head :=", "elif (head :="),
    ),
    *_in(
        "contract/card.py",
        "tests/contract/test_card.py",
        ("any objective will do", "if why := thoughtless(card.human_objective, OBJECTIVE):", 'if why := "":'),
        ("a proxy need not fail", "if why := thoughtless(proxy.fails_when, FAILS_WHEN):", 'if why := "":'),
        ("a guardrail nobody wrote", "if known is not None and proxy.guardrail_slo not in known:", "if False:"),
        ("a card without proxies", "if not card.proxies:", "if False:"),
        (
            "the body need not begin with the objective",
            'elif not (first == objective or first.startswith((f"{objective}.",',
            'elif not (first or first.startswith((f"{objective}.",',
        ),
        ("a proxy without a name", "if not proxy.name.strip():", "if False:"),
    ),
    *_in(
        "contract/cross.py",
        "tests/contract/test_measured.py",
        (
            "every feature is measured",
            "for feature in manifest.features if feature.protected} | {key",
            "for feature in manifest.features} | {key",
        ),
        (
            "any word of a filter is a group",
            "for name in _picks_by(case)} & inputs(manifest)",
            "for name in _picks_by(case)}",
        ),
        (
            "a limit is a measurement",
            "segments = [case.segment for case in found]\n",
            "segments = [case.segment for case in found] + [limit.segment for limit in manifest.scope_limits]\n",
        ),
        (
            "an accepted value is a measurement",
            "return frozenset(words | picked |",
            "return frozenset({v for f in manifest.features for v in f.accepted} | words | picked |",
        ),
        ("segments of SLOs are forgotten", "segments += [segment for slo in", "segments += [segment for slo in () and"),
        (
            "cases are forgotten",
            "compile_expr(where).names if isinstance(where, str)",
            "frozenset() if isinstance(where, str)",
        ),
    ),
    *_in(
        "contract/files/named.py",
        "tests/contract/test_undivided.py",
        ("a build reads all rows", "            if matches(pattern, source):\n", "            if False:\n"),
        ("the data record shows nothing", "(*shown, *recorded):", "shown:"),
        (
            "only a plain table has a copy",
            "for source in source_names(train.path):",
            "for source in source_names(train.path)[:1]:",
        ),
        (
            "what cannot be read says which rows train",
            "or tells_split(root.columns(source, Findings(source)) or ()):",
            'or tells_split(root.columns(source, Findings(source)) or ("split",)):',
        ),
    ),
    *_in(
        "contract/stakes.py",
        "tests/contract/test_stakes.py",
        (
            "what is due is not claimed",
            "due = [rule for rule in absent if level >=",
            "due = [rule for rule in absent if level >",
        ),
        ("defaults are enough for everybody", "problems += _unwritten(parts)", "pass"),
        ("a default hides what is trusted", "if key not in parts.written\n", "if False\n"),
        ("high stakes take a development key", 'if stakes == "high":', "if False:"),
        ("one person is two", "bool(others) and len(ones | others) > 1", "bool(others)"),
        ("nobody is told that one person locks it", "    if len(manifest.people) < 2:\n", "    if False:\n"),
        ("a case on trial stands for its clause", "if not case.trial}", "if case}"),
        ("what is absent is not shown", "not_claimed=tuple(not_claimed))", "not_claimed=())"),
        (
            "a policy without never events is whole",
            "has_never = policy is None or bool(policy.never_events)",
            "has_never = True",
        ),
        (
            "a committee of nobody",
            'committee = any("committee" in person.roles',
            'committee = any("committee" not in person.roles',
        ),
        ("no operator is missed", "if overrides:", "if True:"),
    ),
    *_in(
        "contract/starter/split.py",
        "tests/contract/test_starter.py",
        ("training rows calibrate", "for group in drawn(test, units):", "for group in drawn(range(len(test)), units):"),
        ("all test rows calibrate", "half if half >= LEAST_TEST or spare <= 0 else min(half, spare)", "len(test)"),
        ("a split without test rows", "if train is not None and test is not None:", "if train is not None:"),
        ("a split without training rows", "if train is not None and test is not None:", "if test is not None:"),
        (
            "rows are divided in their order",
            "for group in drawn(range(n), units):",
            "for group in [[place] for place in range(n)]:",
        ),
        ("a unit is torn apart", 'f"place {place}" if unit is None', 'f"place {place}" if True'),
        (
            "rows without a unit are one unit",
            "None if units is None else units[place]",
            "0 if units is None else units[place]",
        ),
        (
            "any column with the words is a split",
            "column = columns.get(name)",
            "column = columns.get(name) or next(iter(columns.values()))",
        ),
    ),
    *_in(
        "contract/starter/columns.py",
        "tests/contract/test_starter.py",
        (
            "any label will do",
            "if {number_of(value) for value in _values(rows, column)} == {0.0, 1.0}]",
            "if _values(rows, column)]",
        ),
        (
            "a label may hold a third value",
            "for value in _values(rows, column)} == {0.0, 1.0}]",
            "for value in _values(rows, column)} >= {0.0, 1.0}]",
        ),
        ("a code is a count", r"(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)", r"(?:\d+(?:\.\d*)?|\.\d+)"),
        ("an id is an input", "if _ID.fullmatch(column):", "if False:"),
        (
            "free text is a category",
            "    return len(values) > MOST_CATEGORIES or len(values) * LEAST_ROWS_PER_CATEGORY > len(rows)",
            "    return False",
        ),
        ("the model is not asked", "if taken:", "if False:"),
        ("an input nobody has is left out unseen", "if absent:", "if False:"),
        ("nobody is protected by a name", "protected = column.lower() in PROTECTED", "protected = False"),
    ),
)
