"""The draft of a contract as a person edits it: YAML that the loader accepts, with what was seen and what is doubtful in comments.

No value of the table is quoted, apart from codes that the list of a coded column does not know.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.model import WHOLE_ROW
from contracts.proposal.decide import Decision, Decisions, undecided
from contracts.proposal.lookups import entries
from contracts.proposal.match import AHEAD, CONFIDENT, LEAST
from contracts.proposal.profile import TableProfile
from contracts.sources import Source
from core.nouns import noun
from standards.model import DataElement, Standards

_PLAIN = re.compile(r"^(?!(?:y|n|yes|no|on|off|true|false|null|none)$)[A-Za-z_\u3400-\u9fff][\w\u3400-\u9fff（）]*$", re.IGNORECASE)
_REASONS_SHOWN = 3
_FIRST = 3  # of many columns, named
_CONTROLS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff]")


@dataclass(frozen=True)
class Dataset:
    """What a table is called and where it stands; `folder` is given where its connection has still to be set up; `remarks` are about reading it."""

    department: str
    dataset: str
    title: str
    source: Source
    folder: Path | None = None
    remarks: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id of the contract."""
        return f"{self.department}__{self.dataset}"


def to_yaml(dataset: Dataset, profile: TableProfile, decisions: Decisions, standards: Standards, faults: Sequence[str] = ()) -> str:
    """The draft; `faults` are what the loader would still refuse. Reads back as `to_document` (tested)."""
    parts = (
        _not_yet(decisions, standards, faults),
        _head(dataset, profile, decisions, faults),
        _identity(dataset, decisions),
        _key(decisions),
        _columns(decisions, standards),
        _unmapped(decisions),
        _terms(decisions),
    )
    # A column may be called anything, and a line end in a comment would end the comment.
    return "\n".join(_CONTROLS.sub(" ", line) for part in parts for line in part) + "\n"


def to_document(dataset: Dataset, decisions: Decisions) -> dict[str, Any]:
    """The same contract as the loader sees it."""
    columns = {_name(item): _mappings(item) for item in decisions.columns if item.elements}
    document: dict[str, Any] = {
        "id": dataset.id,
        "title": {"zh": dataset.title, "en": dataset.dataset.replace("_", " ")},
        "department": {"id": dataset.department, "title": {"zh": dataset.department, "en": dataset.department.replace("_", " ")}},
        "feeds": list(decisions.feeds),
        "source": _source(dataset.source),
        "record_key": _record_key(decisions),
        "change_tracking": "snapshot",
        "columns": columns,
        "constants": decisions.constants,
        "ignore": [*(_name(item) for item in decisions.columns if not item.elements), *decisions.nameless],
        "assertions": {
            "least_rows": decisions.least_rows,
            "fill_rates": decisions.fill_rates,
            "largest_shrink": 0.2,
            "largest_quarantine": decisions.largest_quarantine,
        },
        "sharing": {"class": decisions.sharing_class},
    }
    if decisions.as_of is not None:
        column, formats = decisions.as_of
        document["as_of"] = {"column": column, "formats": list(formats)}
    return document


def _record_key(decisions: Decisions) -> str | list[str]:
    return WHOLE_ROW if decisions.record_key == (WHOLE_ROW,) else list(decisions.record_key)


def _name(item: Decision) -> str:
    return item.match.column.names[-1]


def _source(source: Source) -> dict[str, Any]:
    return {key: value for key, value in source.model_dump(mode="json", exclude_defaults=True).items() if value is not None}


def _mappings(item: Decision) -> list[dict[str, Any]]:
    how: dict[str, Any] = {}
    if item.formats:
        how["formats"] = list(item.formats)
    if item.lookup:
        how["lookup"] = dict(item.lookup)
    return [{"element": element, **how} for element in item.elements]


def _head(dataset: Dataset, profile: TableProfile, decisions: Decisions, faults: Sequence[str]) -> Iterator[str]:
    mapped = sum(bool(item.elements) for item in decisions.columns)
    open_items = list(undecided(decisions))
    rest = len(decisions.columns) - mapped - len(open_items)
    yield '# A draft by ./hub propose, made from one pass over the table. Read it, settle every "maybe", then ./hub check it.'
    columns = len(decisions.columns)
    size = f"{profile.rows:,} {noun(profile.rows, 'row')}, {columns} {noun(columns, 'column')}"
    yield f"# {size}: {mapped} mapped, {len(open_items)} maybe, {rest} without a data element."
    yield "# How sure an element is, from 0 to 1, goes by the name of a column first, then by the share of its values that fit: a column is mapped"
    yield f"# where that is at least {CONFIDENT:.2f}, and {AHEAD:.2f} more than for any other element."
    if profile.unreadable:
        yield f"# {profile.unreadable:,} {noun(profile.unreadable, 'row')} could not be read as rows of this table."
    if blank := len(profile.left_out):
        yield f"# {blank:,} further {noun(blank, 'column has', 'columns have')} neither name nor value in the first rows: not looked into."
    if more := len(profile.too_many):
        named, were = ", ".join(profile.too_many[:_FIRST]), noun(more, "column was", "columns were")
        yield f"# {more:,} more {were} not looked into, as no more than {len(profile.columns):,} can be collected: {named} …"
    if decisions.personal:
        yield f"# Personal information: {', '.join(decisions.personal)}."
    if "certificate" not in decisions.feeds and any(
        item.match.confident and item.match.element == "certificate_number" for item in decisions.columns
    ):
        yield "# It looks like a table of certificates, but not of which kind: --title 安全生产许可证 would let it feed certificate too."
    if dataset.folder is not None:
        yield f"# Set up the connection in connections.yml:  {dataset.source.connection}: {dataset.folder.as_uri()}"
    yield from (f"# {remark}" for remark in dataset.remarks)
    yield from (f"# STILL MISSING: {fault}" for fault in faults)


def _not_yet(decisions: Decisions, standards: Standards, faults: Sequence[str]) -> Iterator[str]:
    """What has to be done before the loader takes the draft, if anything."""
    if not faults:
        return
    columns = len(decisions.columns)
    if any(item.elements for item in decisions.columns):
        yield "# NOT A CONTRACT YET: some of what it needs could not be told from the table."
    else:
        yield f"# NOT A CONTRACT YET: of {columns} columns none is surely a data element of {' or '.join(decisions.feeds)}."
    for element, names in missing(decisions, standards):
        yield f"# It needs a column for {element}: {'maybe ' + ', '.join(names) if names else 'none looks like it'}."
    yield '# What to do: take each "maybe" that is right from ignore into columns; --title and --registry tell what the table is about, and'
    yield "# `./hub standards list` names all data elements. If the table holds no people, organizations or certificates, it has no place here."


def missing(decisions: Decisions, standards: Standards) -> list[tuple[str, list[str]]]:
    """Required elements that no column feeds, each with the columns that may be it."""
    fed = {*decisions.constants, *(element for item in decisions.columns for element in item.elements)}
    required = [use.element.id for feed in decisions.feeds for use in standards.schemas[feed].uses if use.required]
    return [(name, [_name(item) for item in decisions.columns if _may_be(item, name)]) for name in required if name not in fed]


def _may_be(item: Decision, element: str) -> bool:
    return any(candidate.element == element and candidate.score >= LEAST for candidate in item.match.candidates)


def _identity(dataset: Dataset, decisions: Decisions) -> Iterator[str]:
    document = to_document(dataset, decisions)
    yield f"id: {dataset.id}"
    yield f"title: {_flow(document['title'])}"
    yield f"department: {_flow(document['department'])}"
    yield f"feeds: {_flow(document['feeds'])}"
    yield f"source: {_flow(document['source'])}"


def _key(decisions: Decisions) -> Iterator[str]:
    yield f"# {decisions.key_reason}"
    yield f"record_key: {_flow(_record_key(decisions))}"
    yield "# A snapshot is the whole table each time; nothing in one look tells whether changes could be asked for."
    yield "change_tracking: snapshot"


def _columns(decisions: Decisions, standards: Standards) -> Iterator[str]:
    mapped = [item for item in decisions.columns if item.elements]
    yield "columns:" if mapped else "columns: {}"
    for item in mapped:
        yield f"  # {_seen(item)}; {_sensitivity(standards.elements[item.elements[-1]])}"
        yield from (f"  # {_score(best.score)}: {best.reason}{_others(item)}" for best in item.match.candidates[:1])
        plain = [mapping if len(mapping) > 1 else mapping["element"] for mapping in _mappings(item)]
        if item.lookup:
            yield f"  # {_told(item)}"
        yield f"  {_scalar(_name(item))}: {_flow(plain if len(plain) > 1 else plain[0])}"
        yield from _unread(item)


def _told(item: Decision) -> str:
    """Which of several readings was taken."""
    name = next(scheme.name for scheme in item.schemes if scheme.lookup == item.lookup)
    return f"Of {len(item.schemes)} ways to read its codes the identity numbers of the same rows leave one: {name}."


def _unread(item: Decision) -> Iterator[str]:
    """Codes that the list does not know, as a lookup to be completed."""
    found, hidden = item.unread.guesses, item.unread.hidden
    if found:
        yield '  #   Not read by the list. To read it, put this in place of the line, with your word for every "?":'
        yield from _commented(item, [*entries(found)])
    if hidden:
        yield f"  #   {hidden:,} {'more ' if found else ''}values are in no list; they may be somebody's and are not shown: look in the source"


def _readings(item: Decision) -> Iterator[str]:
    """The ways to read a column's codes, each as a line to be taken."""
    if not item.schemes or item.elements:
        return
    yield "  #   Take one of these into columns and the name out of ignore:"
    for scheme in item.schemes:
        lookup = _flow(dict(sorted(scheme.lookup.items())))
        yield f"  #   {_scalar(_name(item))}: {{element: {item.match.element}, lookup: {lookup}}}  # {scheme.name}"


def _commented(item: Decision, lines: Sequence[str]) -> Iterator[str]:
    yield f"  #   {_scalar(_name(item))}:"
    yield f"  #     element: {item.elements[-1] if item.elements else item.match.element}"
    yield "  #     lookup:"
    yield from (f"  #       {line}" for line in lines)


def _unmapped(decisions: Decisions) -> Iterator[str]:
    if decisions.constants:
        yield "# Guessed from the table's title and its columns; they hold for every row."
        yield f"constants: {_flow(decisions.constants)}"
    if decisions.as_of is not None:
        column, formats = decisions.as_of
        yield f"as_of: {_flow({'column': column, 'formats': list(formats)} if formats else column)}"
    items = [item for item in decisions.columns if not item.elements]
    yield "ignore:" if items or decisions.nameless else "ignore: []"
    for item in items:
        likely = [found for found in item.match.candidates if found.score >= LEAST]
        yield from (
            f"  # maybe: {found.element} ({_score(found.score)}): {found.reason}; {item.reason}" for found in likely[:_REASONS_SHOWN]
        )
        yield from _readings(item)
        yield from _unread(item)
        personal = f"; {item.personal} information" if item.personal != "none" else ""
        yield f"  # {_seen(item)}{personal}"
        yield f"  - {_scalar(_name(item))}"
    if decisions.nameless:
        yield "  # neither name nor value"
        yield from (f"  - {_scalar(name)}" for name in decisions.nameless)


def _terms(decisions: Decisions) -> Iterator[str]:
    yield "# From this one delivery: half of its rows, fill rates a twentieth lower, and half as many refusals again."
    yield (
        f"assertions: {{least_rows: {decisions.least_rows}, fill_rates: {_flow(decisions.fill_rates)}, "
        f"largest_shrink: 0.2, largest_quarantine: {decisions.largest_quarantine}}}"
    )
    why = "it holds personal information" if decisions.personal else "no personal information was seen"
    yield f"# A suggestion, as {why}; add legal_basis."
    yield f"sharing: {{class: {decisions.sharing_class}}}"


def _seen(item: Decision) -> str:
    profile = item.match.column.profile
    assert profile is not None
    length = f"{profile.shortest}" if profile.shortest == profile.longest else f"{profile.shortest} to {profile.longest}"
    shapes = ", ".join(f"{text} {share:.0%}" for text, share in profile.shapes)
    different = f"{profile.distinct:,} different" if profile.is_exact else f"about {profile.distinct:,} different"
    return f"{profile.fill:.0%} filled, {different}, length {length}{f', form {shapes}' if shapes else ''}"


def _sensitivity(element: DataElement) -> str:
    personal = f", {element.personal_information} information" if element.personal_information != "none" else ""
    return f"{element.classification}{personal}"


def _score(score: float) -> str:
    """Cut, not rounded: what is not mapped is not to seem to have what it takes."""
    return f"{round(1000 * score) // 10 / 100:.2f}"


def _others(item: Decision) -> str:
    others = [f"{found.element} {_score(found.score)}" for found in item.match.candidates[1:] if found.score >= LEAST]
    return f" (also: {', '.join(others)})" if others else ""


def _flow(value: Any) -> str:
    """A value in YAML's one-line form."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return text if _PLAIN.match(text) else _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
