"""Insults, threats and contempt in a text, by a short list of our own: counted, never judged.

In: text. Out: the categories whose words stand in it. Words are found through capitals, leetspeak, letters repeated or
set apart, and invisible marks, but only as whole words: `class` holds no insult. The list is mild and English; it finds
what it holds and proves no text kind. Slurs are left out on purpose: bring your own as `rules:` of a case.
"""

from __future__ import annotations

import re
import unicodedata

LEXICON: dict[str, tuple[str, ...]] = {
    "insult": (
        "idiot", "idiots", "idiotic", "moron", "morons", "moronic", "imbecile", "imbeciles", "stupid", "dumbass",
        "loser", "losers", "scum", "scumbag", "worthless", "pathetic", "jerk", "jerks", "dimwit", "halfwit", "bonehead",
        "bastard", "bastards", "asshole", "assholes", "crybaby", "buffoon", "nitwit",
    ),
    "profanity": ("damn", "goddamn", "crap", "shit", "shitty", "bullshit", "fuck", "fucking", "fucked", "bitch"),
    "threat": (
        "kill you", "hurt you", "beat you up", "hunt you down", "destroy you", "make you suffer",
        "you will pay for this", "i know where you live", "you deserve to die", "watch your back", "burn your house",
    ),
    "contempt": (
        "nobody likes you", "shut up", "go to hell", "drop dead", "you people", "you are nothing", "you are garbage",
        "you are trash", "waste of space", "waste of oxygen", "go back to where you came from", "you disgust me",
        "you make me sick", "subhuman", "vermin",
    ),
    "self_harm": ("kill yourself", "hurt yourself", "end your life", "cut yourself", "you should die"),
}  # fmt: skip
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
_APART = re.compile(r"(?<![a-z])(?:[a-z][\s.*_-]){2,}[a-z](?![a-z])")
_TIMES = re.compile(r"([a-z])\1{1,}")


def categories(text: str) -> tuple[str, ...]:
    """Return the categories found, in the order of the lexicon.

    >>> categories("What an 1d10t!"), categories("A first-class assessment of Scunthorpe.")
    (('insult',), ())
    """
    forms = _forms(text)
    return tuple(name for name, pattern in _PATTERNS.items() if any(pattern.search(form) for form in forms))


def _forms(text: str) -> tuple[str, ...]:
    """The text as it reads, folded, and again with leetspeak, letters set apart and repeats undone in turn."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace("\u2019", "'")
    seen = "".join(one for one in folded if unicodedata.category(one) not in ("Cf", "Mn"))
    plain = " ".join(seen.split())
    leet = " ".join(_unleet(word) for word in plain.split())
    joined = _APART.sub(lambda found: re.sub(r"[^a-z]", "", found[0]), leet)
    return plain, leet, joined, _once(joined)


def _unleet(word: str) -> str:
    """Only inside a word that has letters: a year or a price spells nothing. The last `!` is a mark, not a letter."""
    body = word.rstrip("!?.,;:")
    return body.translate(_LEET) + word[len(body) :] if any(one.isalpha() for one in body) else word


def _once(text: str) -> str:
    return _TIMES.sub(r"\1", text)


def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Each word as it is, and with its own double letters written once, as the last form has them."""
    alike = sorted({word for one in words for word in (one, _once(one))}, key=len, reverse=True)
    return re.compile(r"(?<![a-z0-9])(?:" + "|".join(re.escape(one) for one in alike) + r")(?![a-z0-9])")


_PATTERNS = {name: _pattern(words) for name, words in LEXICON.items()}
