"""Payloads: what no honest text or category needs, and what some reader further on might run.

In: a text. Out: whether it carries control characters or marks that turn text round, markup that runs, or template
code. Tabs and line ends are ordinary. A cheap look, and no filter: a payload in plain words (an instruction to a
language model, SQL, a path) is not seen, and a person who quotes such a mark is.
"""

from __future__ import annotations

import re

MOST_READ = 20_000  # characters
# C0 and C1 controls but tab, line feed, carriage return and NEL; bidirectional overrides and isolates; tag characters
_CONTROL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
_TAGS = "script|iframe|object|embed|svg|img|link|meta|style|form|base|!--|!\\[CDATA|!DOCTYPE|!ENTITY|\\?xml|%"
_CALLED = r"\bon(?:error|load|click|focus|toggle|(?:mouse|key|pointer)[a-z]{1,10}) {0,3}="
_MARK = re.compile(rf"{_CONTROL}|<[ /]{{0,3}}(?:{_TAGS})|javascript:|{_CALLED}|\{{\{{|\{{%|[$#]\{{", re.IGNORECASE)


def is_payload(text: str) -> bool:
    """True when the text carries a mark.

    >>> [is_payload(text) for text in ("<b>bold</b>", "a < b", "{{7*7}}", "one\\ntwo", "a\\x00b", "<script>x()")]
    [False, False, True, False, True, True]
    """
    return _MARK.search(text, 0, MOST_READ) is not None
