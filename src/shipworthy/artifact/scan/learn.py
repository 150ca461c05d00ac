"""What a benign artefact needs that the built-in list does not know, as a proposal for a person to sign.

In: the findings of a scan. Out: class names. Only what a declaration can vouch for is proposed: never the standard
library, never a function, never a package that loads or runs code. Whether the classes are fit to be trusted is not
something a scan can know; the list enters the manifest, and with it the change digest and the next signed verdict.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.artifact.scan.allowed import may_declare
from shipworthy.artifact.scan.findings import Finding, Kind


def proposed(findings: Iterable[Finding]) -> frozenset[str]:
    """The classes in the findings that a declaration could let through."""
    return frozenset(one.name for one in findings if one.kind is Kind.GLOBAL and one.name and may_declare(one.name))


def as_yaml(classes: Iterable[str]) -> str:
    """The part of `shipworthy.yaml` that lets these classes through."""
    return "\n".join(["scan:", "  classes:", *(f"    - {name}" for name in sorted(set(classes)))])
