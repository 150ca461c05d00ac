"""What an answer must keep to before it may leave: one plain function a rule.

In: the text of an answer and the rules of the contract (`assistant.output`). Out: the names of the rules it breaks.
Nothing here asks anybody or judges a meaning; each rule can be told from the text alone. Only the first `MOST_TEXT`
characters are searched: a longer answer breaks `length`, so that nothing hides behind them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from shipworthy.contract.assistant import Output
from shipworthy.contract.patterns import MOST_TEXT, search

_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s<>()\[\]\"'`]{1,2000}|\bwww\.[^\s<>()\[\]\"'`]{1,2000}")
_TARGET = re.compile(r"!?\[[^\]]{0,500}\]\(\s*<?([^)\s>]{1,2000})|(?i:\b(?:src|href)\s*=\s*[\"']?)([^\s\"'>]{1,2000})")
_SCHEME = re.compile(r"(?i)^[a-z][a-z0-9+.-]{0,20}:")
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]*\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}\b")
_EMAIL = re.compile(r"(?i)(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24}\b")
_SSN = re.compile(r"(?<!\d)(?<!\d-)(?!000|666|9\d\d)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?!-?\d)")
_FENCE = re.compile(r"```|~~~|<(?:pre|code|script)\b", re.IGNORECASE)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def broken(rules: Output, text: str) -> tuple[str, ...]:
    """Return the names of the rules that an answer breaks, in one order; none when it keeps to all there are."""
    if rules == Output():
        return ()
    checks = (
        ("length", len(text) > min(rules.max_length or MOST_TEXT, MOST_TEXT)),
        ("json", rules.json is not None and breaks_schema(text, rules.json)),
        ("matches", rules.matches is not None and not search(rules.matches, text)),
        ("forbids", any(search(pattern, text) for pattern in rules.forbids)),
        ("links", rules.links is not None and bool(links_outside(text, rules.links))),
        ("plain", rules.plain and bool(hidden_characters(text))),
        ("pii", any(kind in rules.no_pii for kind in personal(text))),
        ("code", rules.no_code and has_code(text)),
    )
    return tuple(name for name, breaks in checks if breaks)


def breaks_schema(text: str, schema: Mapping[str, Any]) -> bool:
    """True unless the text is JSON, and of the shape. A key written twice or a number like NaN is no JSON here."""
    try:
        read = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return True
    return not _fits(read, schema)


def links_outside(text: str, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the targets of links, images and bare addresses that lead to a host not in the list, or to no host.

    A relative target leads nowhere else and is let through. `*.example.com` stands for the hosts below it.
    """
    text = text[:MOST_TEXT]
    targets = [one for pair in _TARGET.findall(text) for one in pair if one and _leaves(one)] + _URL.findall(text)
    return tuple(dict.fromkeys(one for one in targets if not _listed(host_of(one), hosts)))


def host_of(target: str) -> str:
    """Return the host a target leads to, in lower case; "" when none can be told."""
    target = target.rstrip(".,;:!?")
    if target.lower().startswith("www."):
        target = f"//{target}"
    try:
        return (urlsplit(target.replace("\\", "/")).hostname or "").rstrip(".")
    except ValueError:
        return ""


def hidden_characters(text: str) -> tuple[str, ...]:
    """Return the names of control, invisible and direction characters; line ends and tabs are none."""
    odd = {one for one in text if one not in "\n\r\t" and unicodedata.category(one) in ("Cc", "Cf", "Co", "Cs", "Cn")}
    return tuple(sorted(f"U+{ord(one):04X}" for one in odd))


def personal(text: str) -> tuple[str, ...]:
    """Return which of the kinds `card`, `iban`, `email`, `us_ssn` stand in a text.

    Cards and IBANs must carry their own check digits (ISO/IEC 7812-1, ISO 13616), so that a long number is not one.
    """
    text = unicodedata.normalize("NFKC", text[:MOST_TEXT])
    found = {
        "card": any(luhn(one) for one in _CARD.findall(text)),
        "iban": any(iban(one) for one in _IBAN.findall(text)),
        "email": _EMAIL.search(text) is not None,
        "us_ssn": _SSN.search(text) is not None,
    }
    return tuple(kind for kind, there in found.items() if there)


def luhn(number: str) -> bool:
    """Return whether the digits are 13 to 19 with a right check digit (ISO/IEC 7812-1, annex B).

    >>> luhn("4111 1111 1111 1111"), luhn("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(one) for one in number if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Return whether the letters and digits are 15 to 34 with right check digits (ISO 13616, mod 97).

    >>> iban("GB82 WEST 1234 5698 7654 32"), iban("GB83 WEST 1234 5698 7654 32")
    (True, False)
    """
    plain = "".join(text.split()).upper()
    if not 15 <= len(plain) <= 34 or not plain.isalnum() or not plain.isascii():
        return False
    return int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1


def has_code(text: str) -> bool:
    """Return whether a text holds a fenced code block or a tag of one."""
    return _FENCE.search(text[:MOST_TEXT]) is not None


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:  # noqa: ANN401
    kind = schema.get("type")
    if kind is not None and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return False
    if "enum" in schema and not any(type(value) is type(one) and value == one for one in schema["enum"]):
        return False
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return False
    if isinstance(value, list) and "items" in schema and not all(_fits(one, schema["items"]) for one in value):
        return False
    return not isinstance(value, dict) or _fields_fit(value, schema)


def _fields_fit(value: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    known = schema.get("properties", {})
    if any(name not in value for name in schema.get("required", ())):
        return False
    if schema.get("additionalProperties") is False and any(name not in known for name in value):
        return False
    return all(_fits(value[name], inner) for name, inner in known.items() if name in value)


def _leaves(target: str) -> bool:
    return bool(_SCHEME.match(target)) or target.startswith(("//", "\\\\", "/\\", "\\/")) or target.startswith("www.")


def _listed(host: str, hosts: tuple[str, ...]) -> bool:
    return any(host == one.lower() or (one.startswith("*.") and host.endswith(one[1:].lower())) for one in hosts)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is written twice")
    return made


def _no_number(text: str) -> Any:  # noqa: ANN401
    raise ValueError(f"{text} is no number")
