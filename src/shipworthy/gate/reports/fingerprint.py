"""`primaryLocationLineHash`: the name of a line that survives lines added above it, as GitHub code scanning makes it.

In: the text of a file. Out: one fingerprint per line. Definition (the upload action of GitHub code scanning, its
`fingerprints`): the 100 characters from the start of the line on, blanks and tabs left out, every line ending as one
line feed, the file followed by the unit 0xFFFF and then zeros; as a polynomial in 37 over UTF-16 units, modulo 2^64, in
hexadecimal; then a colon and how many times the same number has come so far.
"""

from __future__ import annotations

from collections import Counter

_LENGTH, _BASE, _MODULUS, _END = 100, 37, 1 << 64, 0xFFFF
_POWERS = tuple(pow(_BASE, _LENGTH - 1 - index, _MODULUS) for index in range(_LENGTH))


def line_hashes(text: str) -> tuple[str, ...]:
    """Return the fingerprints of all lines, the empty one after a last line ending included.

    >>> line_hashes("")
    ('c129715d7a2bc9a3:1',)
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
    raw = plain.encode("utf-16-le", errors="surrogatepass")
    units = [int.from_bytes(raw[at : at + 2], "little") for at in range(0, len(raw), 2)] + [_END]
    starts = [0, *(index + 1 for index, unit in enumerate(units) if unit == 0x0A)]
    seen: Counter[str] = Counter()
    made = []
    for start in starts:
        number = sum(unit * power for unit, power in zip(units[start : start + _LENGTH], _POWERS, strict=False))
        name = f"{number % _MODULUS:x}"
        seen[name] += 1
        made.append(f"{name}:{seen[name]}")
    return tuple(made)
