"""Faults in what may be said: names of versions, reasons, texts and numbers of a shell."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "contract/words.py",
        "tests/contract/test_words.py",
        ("any length names a version", "return len(text) <= MOST_VERSION and _VERSION", "return _VERSION"),
        ("a line end is no letter", "_VERSION.fullmatch(text) is not None", "_VERSION.match(text) is not None"),
        ("a name begins with a dot", 're.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")', 're.compile(r"[A-Za-z0-9._+-]*")'),
        ("any length is a reason", "if len(text) > MOST_WORDS:", "if False:"),
        ("what does something is plain", '.isprintable() else "not plain', '.strip() else "not plain'),
        ("a decision is about anything", 'if version != "*" and not is_version(version):', "if False:"),
        ("a decision says anything", "if wrong := unfit(on_one_line(because)):", "if wrong := '':"),
    ),
    *_in(
        "cli/words.py",
        "tests/cli/test_bad_words.py",
        ("texts are not looked at", "if wrong := unfit(self.line(str(value))):", "if wrong := '':"),
        ("NaN is a number", "if not math.isfinite(number):", "if False:"),
        ("parts of a verb are forgotten", "            with_words(part)", "            pass"),
        ("names may come in lines", "        return text\n", "        return on_one_line(text)\n"),
    ),
    *_in(
        "runtime/ledger_client.py",
        "tests/flows/test_shared.py",
        ("any key is the pinned one", "if self.key and key != self.key:", "if False:"),
    ),
)
