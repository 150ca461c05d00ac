"""Messages made from templates and one seed: what a bank's customers write (label 1), and what swindlers write (0).

In: how many, and a seed. Out: rows with a text and a label. The two share most of their words, so that a model of words
does well and errs sometimes; a policy number stands in one of three.
"""

from __future__ import annotations

import random

Row = dict[str, object]

GENUINE = (
    "hello {name}, i would like to ask about my {thing} for {month}",
    "could you tell me when the {thing} of policy {policy} was paid",
    "my {thing} is still missing, {name} said it was sent in {month}",
    "please change the address on my {thing}, we moved in {month}",
    "thanks for the quick answer about the {thing}, {name} was kind",
    "i was charged {amount} twice for my {thing}, please look at policy {policy}",
)
SWINDLE = (
    "urgent {name}, your {thing} is locked, confirm your card now",
    "you have won {amount}, click the link and claim your free prize",
    "final notice: pay {amount} today or your {thing} is cancelled",
    "free {thing} for {month}, reply now to claim your reward {policy}",
    "dear customer, verify your password now, your {thing} is suspended",
    "claim {amount} now, this offer for policy {policy} ends in {month}",
)
WORDS = {
    "name": ("Anna", "Peter", "Maria", "David", "Sarah", "Thomas"),
    "thing": ("invoice", "refund", "statement", "contract", "account", "payment"),
    "month": ("january", "march", "may", "july", "october"),
    "amount": ("40 euro", "250 euro", "1200 euro", "75 euro"),
}
ASIDES = ("", "", " thanks", " please", " it is urgent", " see the link", " call me now", " have a nice day")


def messages(n: int, seed: int, swapped: float = 0.04) -> list[Row]:
    """Return `n` rows; in a share of `swapped` the label is the other one."""
    drawn = random.Random(seed)
    made: list[Row] = []
    for number in range(n):
        label = drawn.randint(0, 1)
        words = {key: drawn.choice(options) for key, options in WORDS.items()}
        template = drawn.choice(GENUINE if label else SWINDLE)
        text = template.format(policy=f"P-{drawn.randint(10000, 99999)}", **words) + drawn.choice(ASIDES)
        told = 1 - label if drawn.random() < swapped else label
        made.append({"text": text, "label": told, "customer": f"C{number // 2}", "agent": drawn.choice(WORDS["name"])})
    return made
