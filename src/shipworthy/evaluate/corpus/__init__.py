"""Our own corpus of attacks in words, each kind beside harmless twins that look like it. Written for this project.

In: nothing. Out: `CORPUS`. Ids are stable and never used twice, so that two runs compare. What it cannot show: attacks
in other languages, attacks made for one model by search, and anything said in pictures or sound.
"""

from __future__ import annotations

from shipworthy.evaluate.corpus import attacks, hidden, longer, twins
from shipworthy.evaluate.corpus.prompt import Prompt

CONTROLS: tuple[Prompt, ...] = twins.CONTROLS
CORPUS: tuple[Prompt, ...] = (*attacks.PROMPTS, *hidden.PROMPTS, *longer.PROMPTS, *twins.PROMPTS, *CONTROLS)
KINDS: tuple[str, ...] = tuple(dict.fromkeys(prompt.kind for prompt in CORPUS))
