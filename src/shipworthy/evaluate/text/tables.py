"""Facts about letters, keys and names that changes of a text need: written here, drawn from no list of others.

Keyboard neighbours are those of a US keyboard (QWERTY), the rows typed out and the rest worked out from them.
"""

from __future__ import annotations

from itertools import product

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHIFTS = (0.0, 0.25, 0.75)  # how far each row of keys stands to the right of the first, in keys

LETTERS = "abcdefghijklmnopqrstuvwxyz"

# Letters of other alphabets that look the same (Cyrillic, Greek, Armenian, full width where nothing else does).
HOMOGLYPHS = {
    "a": "\u0430", "b": "\u042c", "c": "\u0441", "d": "\u0501", "e": "\u0435", "f": "\uff46", "g": "\u0261",
    "h": "\u04bb", "i": "\u0456", "j": "\u0458", "k": "\u03ba", "l": "\u04cf", "m": "\uff4d", "n": "\u0578",
    "o": "\u043e", "p": "\u0440", "q": "\u051b", "r": "\uff52", "s": "\u0455", "t": "\uff54", "u": "\u057d",
    "v": "\u03bd", "w": "\u051d", "x": "\u0445", "y": "\u0443", "z": "\uff5a", "A": "\u0410", "B": "\u0412",
    "C": "\u0421", "E": "\u0415", "H": "\u041d", "I": "\u0406", "J": "\u0408", "K": "\u041a", "M": "\u041c",
    "O": "\u041e", "P": "\u0420", "S": "\u0405", "T": "\u0422", "X": "\u0425", "Y": "\u03a5", "Z": "\u0396",
}  # fmt: skip

ZERO_WIDTH = ("\u200b", "\u200c", "\u2060")  # space, non-joiner, word joiner: none of them is seen

NAMES = (
    "Ada", "Ahmed", "Aisha", "Ana", "Anna", "Ben", "Carlos", "Chen", "Chidi", "Dana", "David", "Elena", "Fatima",
    "Grace", "Hana", "Ines", "Ivan", "James", "Jana", "John", "Jun", "Kofi", "Laura", "Lena", "Linda", "Maria",
    "Mary", "Mei", "Michael", "Mina", "Nadia", "Noor", "Olga", "Omar", "Paul", "Peter", "Priya", "Rosa", "Ruth",
    "Samuel", "Sarah", "Tariq", "Thomas", "Wei", "Yusuf", "Zoe",
)  # fmt: skip
"""First names of several places, none of a person meant."""

CONTRACTIONS = {
    "are not": "aren't", "can not": "can't", "cannot": "can't", "could not": "couldn't", "did not": "didn't",
    "do not": "don't", "does not": "doesn't", "has not": "hasn't", "have not": "haven't", "i am": "i'm",
    "i have": "i've", "i will": "i'll", "is not": "isn't", "it is": "it's", "should not": "shouldn't",
    "that is": "that's", "they are": "they're", "was not": "wasn't", "we are": "we're", "we have": "we've",
    "were not": "weren't", "will not": "won't", "would not": "wouldn't", "you are": "you're", "you have": "you've",
}  # fmt: skip


def _neighbours() -> dict[str, str]:
    places = {
        letter: (row, at + _SHIFTS[row]) for row, letters in enumerate(_KEYS) for at, letter in enumerate(letters)
    }
    near: dict[str, str] = {letter: "" for letter in places}
    for (one, (row, at)), (other, (below, beside)) in product(places.items(), repeat=2):
        if one != other and abs(row - below) <= 1 and abs(at - beside) <= 1.0:
            near[one] += other
    return near


KEYBOARD = _neighbours()
"""Letter → the letters whose keys touch its own."""
