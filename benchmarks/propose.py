"""How well an unknown table is read: the matcher's answers against labels written before it (`propose_labels.csv`).

The labels say for each column which data elements a careful person would accept as first choice, `none` among them where that is defensible.
Half of the column names (by a hash of the name) was looked at while the matcher was made, the other half only for this report.
"""

import csv
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.proposal.match import Column, Match, Table, match_names
from core.errors import RequestError
from core.settings import REPOSITORY, load_settings
from pipeline.propose import Request, read_table
from standards.loader import load_standards
from standards.model import Standards

LABELS = Path(__file__).with_name("propose_labels.csv")
LEAST_PRECISION, LEAST_NAMES, LEAST_CONTENT = 0.97, 0.70, 0.88
_FOLDERS = {"departments": "cn_departments", "disguised": "cn_departments_disguised", "registry": "cn_registry"}
_NONE = "none"
_Z = 1.96


@dataclass(frozen=True)
class Label:
    """What a column may be called: elements, or `none`; `half` says whether it was looked at while the matcher was made."""

    group: str
    table: str
    place: int
    column: str
    elements: frozenset[str]
    half: str


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval (Wilson)."""

    right: int
    of: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """The answers for some columns: first choice right among those with a counterpart, confident answers right, columns answered confidently."""

    what: str
    half: str
    columns: int
    first_choice: Share
    precision: Share
    recall: Share


def real_data() -> Path:
    """The folder of published tables; raises RequestError where it is not there."""
    folder = Path(os.environ.get("GOVHUB_REAL_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (folder / "cn_reference" / "municipal_hub_catalogue.csv").is_file():
        raise RequestError(f"no published tables in {folder}", hint="GOVHUB_REAL_DATA names the folder of cn_reference and cn_departments")
    return folder


def read_labels() -> list[Label]:
    """All labels, in the order of the file."""
    with LABELS.open(encoding="utf-8", newline="") as stream:
        return [
            Label(row["set"], row["table"], int(row["place"]), row["column"], frozenset(row["elements"].split("|")), row["half"])
            for row in csv.DictReader(stream)
        ]


Answers = dict[tuple[str, str, int], Match]


def catalogue_answers(data: Path, standards: Standards, *, titles: bool) -> Answers:
    """The catalogue's columns by their names alone; without titles only the (mostly English) column names are given."""
    tables: dict[tuple[str, str], list[tuple[str, ...]]] = defaultdict(list)
    with (data / "cn_reference" / "municipal_hub_catalogue.csv").open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            names = (row["column_title"], row["column_name"]) if titles else (row["column_name"],)
            tables[row["table"], row["table_title"]].append(tuple(name for name in names if name))
    found: Answers = {}
    for (name, title), columns in tables.items():
        table = Table((title, name) if titles else (name,), tuple(map(Column, columns)))
        for place, match in enumerate(match_names(table, standards).columns, start=1):
            if match.column.names:
                found["catalogue", name, place] = match
    return found


def file_answers(data: Path, standards: Standards, labels: Sequence[Label]) -> tuple[Answers, Answers]:
    """The columns of the files, by their names alone and with their content."""
    by_name: Answers = {}
    by_content: Answers = {}
    with TemporaryDirectory(prefix="govhub-propose-") as home:
        settings = load_settings({**os.environ, "HUB_HOME": home})
        for group, file in dict.fromkeys((label.group, label.table) for label in labels if label.group in _FOLDERS):
            reading = read_table(Request(str(data / _FOLDERS[group] / file)), standards, settings)
            table = Table(reading.titles, tuple(match.column for match in reading.matches.columns))
            named = {match.column.names[-1]: match for match in match_names(table, standards).columns}
            full = {match.column.names[-1]: match for match in reading.matches.columns}
            for label in labels:
                if (label.group, label.table) == (group, file) and label.column in full:
                    key = (group, file, label.place)
                    by_name[key], by_content[key] = named[label.column], full[label.column]
    return by_name, by_content


def wilson(right: int, of: int) -> Share:
    """A share with the interval of Wilson (1927) for 95 %."""
    if of == 0:
        return Share(0, 0, 0.0, 0.0, 1.0)
    share, spread = right / of, _Z * _Z / of
    center = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return Share(right, of, round(share, 4), round(max(0.0, center - half), 4), round(min(1.0, center + half), 4))


def score(what: str, half: str, labels: Sequence[Label], answers: Answers) -> Score:
    """Hold the answers for one half (or `all`) against their labels; a column without an answer is answered `none`."""
    chosen = [label for label in labels if half in ("all", label.half)]
    pairs = [(label, answers.get((label.group, label.table, label.place))) for label in chosen]
    known = [(label, match) for label, match in pairs if _NONE not in label.elements]
    confident = [(label, match) for label, match in pairs if match is not None and match.confident]
    right = sum(match.element in label.elements for label, match in confident)
    return Score(
        what,
        half,
        len(chosen),
        wilson(sum(match is not None and match.element in label.elements for label, match in known), len(known)),
        wilson(right, len(confident)),
        wilson(sum(match is not None and match.confident and match.element in label.elements for label, match in known), len(known)),
    )


def measure() -> list[Score]:
    """Every figure, by kind of table and half."""
    return [score(what, half, chosen, answers) for what, chosen, answers in _measured() for half in ("tune", "report", "all")]


def _measured() -> Iterator[tuple[str, list[Label], Answers]]:
    data, standards, labels = real_data(), load_standards(), read_labels()
    catalogue = [label for label in labels if label.group == "catalogue"]
    files = [label for label in labels if label.group != "catalogue"]
    yield "catalogue, names", catalogue, catalogue_answers(data, standards, titles=True)
    bare = catalogue_answers(data, standards, titles=False)
    yield "catalogue, column names without titles", [label for label in catalogue if (label.group, label.table, label.place) in bare], bare
    by_name, by_content = file_answers(data, standards, files)
    yield "tables, names", files, by_name
    yield "tables, names and content", files, by_content


def run(people: int, as_json: bool) -> None:
    """Measure, and print a table or one JSON document; `people` is of other benchmarks."""
    from cli.output import answer

    scores = measure()
    rows = [(item.what, item.half, item.columns, _text(item.first_choice), _text(item.precision), _text(item.recall)) for item in scores]
    answer(
        as_json,
        [asdict(item) for item in scores],
        ("what", "half", "columns", "first choice right", "confident: precision", "confident: recall"),
        rows,
    )


def _text(share: Share) -> str:
    return f"{share.share:.1%} ({share.low:.1%}–{share.high:.1%}) of {share.of}"
