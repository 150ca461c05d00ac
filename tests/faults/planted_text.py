"""Faults of texts: what counts as one, which models read it, what a profile sees, what a first contract says."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "facts/texts.py",
        "tests/facts/test_texts.py",
        ("blanks are a text", "not letter.isspace() for", "True for"),
        ("what is not seen is a text", "letter.isprintable() and", "True and"),
        (
            "what no UTF-8 carries is a text",
            "return cell if _is_seen(cell) and _is_sendable(cell) else None",
            "return cell if _is_seen(cell) else None",
        ),
        ("a flag is a text", "if cell is None or isinstance(cell, bool) or", "if cell is None or"),
        ("not a number is a text", " or cell != cell:", ":"),
        (
            "a whole number is spelled as a fraction",
            "if isinstance(cell, float) and cell.is_integer()",
            "if False and cell.is_integer()",
        ),
    ),
    *_in(
        "profile/texts.py",
        "tests/profile/test_texts.py",
        ("a missing text is ordinary", '"" if self._nullable else MISSING)', '"")'),
        ("an empty text is always a fault", '"" if self._nullable else MISSING)', "MISSING)"),
        ("a text as long as declared is too long", "if len(text) > self._most", "if len(text) >= self._most"),
        ("any length will do", 'OUT_OF_RANGE if len(text) > self._most else "",', '"",'),
        ("one row makes a word known", "LEAST_ROWS = 2", "LEAST_ROWS = 1"),
        (
            "a row counts its own words twice",
            "for one in set(hashes(text[:LOOKED_AT])))",
            "for one in hashes(text[:LOOKED_AT]))",
        ),
        ("capitals are other words", "_WORD.findall(text.lower())", "_WORD.findall(text)"),
        ("known words are unknown", "sum(not known[one >> 3]", "sum(known[one >> 3]"),
        ("length is counted as it is", "round(STEPS * math.log2(len(text) + 1)),", "len(text),"),
        ("other alphabets do not show", '100 * (n - len(seen.encode("ascii", "ignore"))) // n,', "0,"),
        ("missing texts of training are forgotten", "missing=None in read,", "missing=False,"),
        (
            "the most characters are forgotten",
            "max=None if feature.max is None else float(feature.max),\n        signs",
            "max=None,\n        signs",
        ),
    ),
    *_in(
        "models/lines.py",
        "tests/models/test_texts.py",
        ("an empty line is a fault", "        if line.strip():", "        if True:"),
        ("the number of the line is not told", 'f"{path}:{number}", fix)', 'f"{path}", fix)'),
        ("an empty text is a text", 'name: None if cell == "" else cell', "name: cell"),
        ("lists are cells", "if cell is None or isinstance(cell, str | int | float)", "if True"),
        ("an empty line of text is a row", "        if text.strip():", "        if True:"),
        ("the end of a line is part of it", 'line.rstrip("\\r\\n")', 'line.rstrip("\\n")'),
    ),
    *_in(
        "models/sklearn_model.py",
        "tests/models/test_texts.py",
        (
            "a missing text is asked",
            "readable[i] = readable[i] and all(isinstance(row[at], str) for at in texts)",
            "row = ['' if cell is None else cell for cell in row]",
        ),
        ("other features are dropped unseen", "if alone and len(columns) != 1:", "if False:"),
        ("a table is taken for a text", 'alone = not hasattr(model, "n_features_in_")', "alone = True"),
        (
            "missing numbers beside a text are asked",
            "whole = np.array([not any(cell != cell for cell in np.atleast_1d(row)) for row in table])",
            "whole = np.array([True for row in table])",
        ),
    ),
    *_in(
        "contract/manifest_reader.py",
        "tests/contract/test_text_features.py",
        ("a text may have what numbers have", "        if given not in (None, ()):", "        if False:"),
        ("a text tells people apart", "    if feature.protected:", "    if False:"),
        ("half a character", " and float(length).is_integer()):", "):"),
        ("a text of no length", "not (length >= 1 and", "not (length >= -9 and"),
        ("a text increases", 'if feature.mutable in ("increase", "decrease"):', "if False:"),
        ("segments are keyed by texts", "if feature is not None and feature.type == TEXT:", "if False:"),
        ("the tenant is a text", "if tenant is not None and tenant.type == TEXT:", "if False:"),
        ("texts have buckets", "elif any(feature.name == name and feature.type == TEXT", "elif any(False"),
    ),
    *_in(
        "contract/starter/text_pack.py",
        "tests/contract/test_starter_texts.py",
        ("what nobody can change is attacked", 'if feature.mutable != "no":', "if True:"),
        (
            "an answer need not come",
            '"redteam", surface, answered, "blocker", owner)',
            '"redteam", surface, answered, "minor", owner)',
        ),
        ("one change is enough", 'for change in ("typo", "homoglyph"):', 'for change in ("typo",):'),
        ("an id with a blank", 'f"text.{change}s"', 'f"text {change}s"'),
    ),
    *_in(
        "contract/starter/columns.py",
        "tests/contract/test_starter_texts.py",
        ("the shortest texts are the input", "found = max(lengths,", "found = min(lengths,"),
        ("numbers tell traffic apart", '_feature(rows, column).type == "category"', "True"),
        ("no text is a text", "    if not lengths:\n", "    if False:\n"),
        ("any name will do", "    if not FEATURE_NAME.fullmatch(found) or found in KEPT_WORDS:", "    if False:"),
    ),
)
