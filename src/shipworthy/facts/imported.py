"""Where an imported measurement came from: another tool's results, which SLO they feed, and how they ended."""

from __future__ import annotations

from shipworthy.facts.base import Digest, Fact

IMPORT_FORMATS = ("evidently", "garak", "inspect", "junit", "promptfoo", "pytest")
ACCEPTED = ("imported", *IMPORT_FORMATS)  # what `accept:` of an SLO may name; `imported` stands for every format


class Counts(Fact, frozen=True, kw_only=True):
    """How results ended. An error is a result that is not good; a skipped one is no result at all."""

    passed: int
    failed: int
    errored: int
    skipped: int

    @property
    def total(self) -> int:
        """Return all of them."""
        return self.passed + self.failed + self.errored + self.skipped


class Origin(Fact, frozen=True, kw_only=True):
    """The tool that made an imported measurement. `slo` is the only SLO it may speak for; `file` what was read.

    `assurance` is `self_attested`: nobody but the importer says that these results are of this subject.
    """

    slo: str
    format: str
    tool: str
    tool_version: str
    file: Digest
    counts: Counts
    assurance: str = "self_attested"
