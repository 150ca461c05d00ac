"""Changing what somebody wrote: words and what must stay, single edits, the attack, changes of every day."""
