"""What a quality report says, as values: one shape for a batch and for a base registry.

The score of a dimension (GB/T 36344-2018) is the share of evaluations without an issue. An evaluation is one row held against one check of
the suite: a check of presence evaluates every row, any other check the rows that have a value (a rule over several elements, and the one on
the key, every row). Repairs are no issues here. Records that came unchanged, or are not in the part that a batch has read, are not examined again:
what was found when they were still counts. What waits in quarantine counts in the batches that examine it. A dimension without a single
evaluation has no score; it is not perfect.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from quality.accuracy import AccuracyReport
from quality.charts import Part
from standards.model import Title

DIMENSIONS = ("normativity", "completeness", "accuracy", "consistency", "timeliness", "accessibility")
ROW, KEY = "_row", "_record_id"  # stand for the record as a whole and for its key, where an element's name is expected
SEVERITIES = ("error", "warning", "repaired")


@dataclass(frozen=True)
class Standing:
    """Records of a dataset that a batch has not examined: how many, and by element how many had a value, how many of those were fit to publish,
    and the issues found when they were examined."""

    rows: int = 0
    present: Mapping[str, int] = field(default_factory=dict)
    filled: Mapping[str, int] = field(default_factory=dict)
    issues: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One check with its evaluations: those of this batch and those that still stand from earlier ones."""

    check_id: str
    element: str
    issue_type: str
    dimension: str
    severity: str
    evaluated: int
    unexpected: int


@dataclass(frozen=True)
class Score:
    """One dimension's figure."""

    dimension: str
    evaluated: int
    unexpected: int

    @property
    def passed(self) -> int:
        """Evaluations without an issue."""
        return self.evaluated - self.unexpected


@dataclass(frozen=True)
class Rule:
    """A rule that was broken, in words, with who can mend it."""

    element: str
    element_title: Title
    issue_type: str
    title: Title
    message: Title
    dimension: str
    severity: str
    fixer: str
    rows: int
    evaluated: int


@dataclass(frozen=True)
class Fill:
    """How many rows have a value of one element; in a base table also from which dataset the values come."""

    element: str
    title: Title
    evaluated: int
    filled: int
    sources: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """One dataset behind a registry's figures, with the batch that its publication is pinned to."""

    contract_id: str
    title: Title
    department: Title
    batch_id: str
    records: int
    linked: int
    unlinked: int
    withheld: int
    scores: Sequence[Score]


@dataclass(frozen=True)
class Note:
    """A remark of the batch: its kind and its text."""

    kind: str
    message: str


@dataclass(frozen=True)
class ReportData:
    """One quality report."""

    kind: str  # batch | registry
    subject: str
    title: Title
    department: Title | None
    status: str
    standard_version: str
    made_from: str  # the contract version or publication behind the figures
    at: datetime | None
    total: int
    parts: Sequence[Part]
    equations: Mapping[str, int | None]
    examined: int
    standing: int
    scores: Sequence[Score]
    rules: Sequence[Rule]
    repairs: Sequence[Rule]
    fills: Sequence[Fill]
    sources: Sequence[Source] = ()
    notes: Sequence[Note] = ()
    accuracy: AccuracyReport | None = None
    apart: int = 0  # of the unlinked records, those that are kept apart from the entity of their identifier
    error: str = ""
    hint: str = ""


def score(findings: Iterable[Finding]) -> list[Score]:
    """The six dimensions in the order of the standard; those without evaluations stay in, with none."""
    evaluated, unexpected = dict.fromkeys(DIMENSIONS, 0), dict.fromkeys(DIMENSIONS, 0)
    for finding in findings:
        evaluated[finding.dimension] += finding.evaluated
        unexpected[finding.dimension] += finding.unexpected
    return [Score(name, evaluated[name], unexpected[name]) for name in DIMENSIONS]


def total_score(scores: Iterable[Score]) -> Score:
    """All dimensions taken together."""
    listed = list(scores)
    return Score("all", sum(item.evaluated for item in listed), sum(item.unexpected for item in listed))
