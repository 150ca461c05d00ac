"""The reference page of the generators of the pack, made from their shapes.

In: the tables of `contract/generators/`. Out: the text of the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.contract.generators import REQUIRED, TOPICS
from shipworthy.contract.pack import ANSWER_NAMES


def generators_page(made: str) -> str:
    """Return the page of the generators that a case of the pack may name, topic by topic; `made` says who wrote it."""
    parts = [
        "# Generators of the robustness pack\n",
        made,
        "A case writes `generator: {name: <one of these>, <parameter>: <value>}`; [how to write a pack]"
        "(../how-to/pack.md). `metric:` of an oracle takes what a generator measures; `hits:` and `among:` may use the",
        "columns of a row, the answer's names (`"
        + "` `".join(sorted(ANSWER_NAMES))
        + "`) and what stands under *names*.",
        "Another package brings its own by the entry point group `shipworthy.evaluators`.\n",
    ]
    for topic in TOPICS:
        parts += [f"## {topic.__name__.rpartition('.')[2].replace('_', ' ').capitalize()}\n"]
        parts += [" ".join((topic.__doc__ or "").split()), ""]
        for shape in topic.SHAPES:
            parts += [f"### `{shape.name}`\n", shape.does, ""]
            parts += [f"Measures: {_words(shape.metrics)}. Names: {_words(shape.names)}.\n"]
            parts += ["| parameter | default |\n|---|---|"]
            parts += [f"| `{name}` | {_written(value)} |" for name, value in shape.parameters.items()]
            parts += [""]
    return "\n".join(parts).rstrip() + "\n"


def _words(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing of its own"


def _written(value: object) -> str:
    if value is REQUIRED:
        return "required"
    if value is None or value == "":
        return "none"
    text = str(list(value)) if isinstance(value, tuple) else str(value)
    return f"`{text.encode('unicode_escape').decode().replace('|', '¦')}`" if len(text) < 120 else "a list of our own"
