"""What a contract says about the standards has to be so: elements, codes, formats and columns that fit together."""

from __future__ import annotations

import codecs
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from contracts.model import WHOLE_ROW, Contract
from contracts.salvage import Salvage
from contracts.schema import suggestion
from contracts.sources import CsvSource, DatabaseSource, HttpSource
from standards.date_formats import format_fault
from standards.declared import unit_fault, writing_fault

if TYPE_CHECKING:
    from standards.model import DataElement, Standards

Finding = tuple[str, str]
_PATH_OF_AN_API = re.compile(r"[^?#:\\\s]+")
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_NO_DELIMITERS = '"\r\n\0'  # they enclose values, end rows, or end texts


def reference_faults(contract: Contract, standards: Standards) -> list[Finding]:
    """Every place where the contract does not agree with itself or with the standards, as key and reason."""
    return list(chain.from_iterable(rule(contract, standards) for rule, _ in _RULES))


def element_faults(contract: Contract, standards: Standards) -> list[Finding]:
    """Registries and elements that a contract names and a version of the standard does not have, or not together."""
    return [finding for rule in (_feeds, _known, _fitting) for finding in rule(contract, standards)]


def salvaged_faults(found: Salvage, standards: Standards) -> list[Finding]:
    """The same of a document that is not yet a contract, as far as what it lacks leaves a rule anything to say."""
    return list(chain.from_iterable(rule(found.contract, standards) for rule, can_judge in _RULES if can_judge(found)))


def _id(contract: Contract, standards: Standards) -> Iterator[Finding]:
    if contract.id.split("__")[0] != contract.department.id:
        yield "id", f'begins with the department: expected "{contract.department.id}__" and the dataset'


def _terms(contract: Contract, standards: Standards) -> Iterator[Finding]:
    if contract.sharing.sharing_class == "none" and not contract.sharing.legal_basis:
        yield "sharing.legal_basis", "a dataset that is not shared (class none) must name the law or policy that says so"


def _reading(contract: Contract, standards: Standards) -> Iterator[Finding]:
    if isinstance(contract.source, CsvSource):
        if contract.source.encoding is not None and not _decodes_files(contract.source.encoding):
            yield "source.encoding", "is not an encoding of text files; expected a name such as utf-8, gb18030 or big5"
        if not contract.source.delimiter.isascii() or contract.source.delimiter in _NO_DELIMITERS:
            yield "source.delimiter", "cannot separate values; expected one ASCII character, not a quotation mark or a line break"


def _schedule(contract: Contract, standards: Standards) -> Iterator[Finding]:
    from croniter import CroniterBadDateError, croniter

    if contract.schedule.cron is not None:
        try:
            croniter(contract.schedule.cron, _SOME_DAY).get_next()
        except CroniterBadDateError:  # the thirtieth of February
            yield "schedule.cron", "names a day that no month has: it would never come due; left out, the dataset is collected on demand"
    start, _, end = (contract.reading.window or "").partition("-")
    if start and start == end:
        yield "reading.window", "opens and closes at the same time, so it would never be open; left out, the source is read at any hour"


def _path(contract: Contract, standards: Standards) -> Iterator[Finding]:
    if isinstance(contract.source, DatabaseSource):
        return
    path = contract.source.path
    if path.startswith("/") or ".." in path.split("/"):
        yield "source.path", "leads out of the connection's folder; expected a path below it"
    elif isinstance(contract.source, HttpSource) and not _PATH_OF_AN_API.fullmatch(path):
        yield "source.path", "is no path below the connection's address; parameters stand under parameters"


def _decodes_files(encoding: str) -> bool:
    """Whether any bytes become text in it, damaged ones a mark, and lines written one after the other are read as such.

    Python also calls compression, escapes and internet names codecs.
    """
    everything = codecs.BOM_UTF32_LE + bytes(range(256))  # some want a mark first
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            everything.decode(encoding, "replace")
            codecs.getincrementaldecoder(encoding)("replace").decode(everything, True)
            encoder = codecs.getincrementalencoder(encoding)()
            lines = encoder.encode("1\n") + encoder.encode("1\n", True)
            return lines.decode(encoding) == "1\n1\n"
    except (LookupError, ValueError, Warning):
        return False


def _feeds(contract: Contract, standards: Standards) -> Iterator[Finding]:
    for position, feed in enumerate(contract.feeds):
        if feed not in standards.schemas:
            yield f"feeds[{position}]", f'there is no base registry "{feed}"{suggestion(feed, list(standards.schemas))}'


def _possible_elements(contract: Contract, standards: Standards) -> dict[str, DataElement]:
    schemas = (standards.schemas[feed] for feed in contract.feeds if feed in standards.schemas)
    return {use.element.id: use.element for schema in schemas for use in schema.uses}


def _used(contract: Contract) -> Iterator[tuple[str, str]]:
    """Key and element id, wherever the contract names one that gets values."""
    for column, mappings in contract.columns.items():
        for position, mapping in enumerate(mappings):
            yield f"columns.{column}[{position}]" if len(mappings) > 1 else f"columns.{column}", mapping.element
    yield from ((f"constants.{element}", element) for element in contract.constants)


def _known(contract: Contract, standards: Standards) -> Iterator[Finding]:
    possible = _possible_elements(contract, standards)
    for key, element in _used(contract):
        if element not in standards.elements:
            yield key, f'there is no data element "{element}"{suggestion(element, list(possible))}'


def _fitting(contract: Contract, standards: Standards) -> Iterator[Finding]:
    possible = _possible_elements(contract, standards)
    for key, element in _used(contract):
        if element in standards.elements and element not in possible:
            yield key, f'"{element}" is not part of {" or ".join(contract.feeds)}{suggestion(element, list(possible))}'


def _once(contract: Contract, standards: Standards) -> Iterator[Finding]:
    counts = Counter(element for _, element in _used(contract))
    for key, element in _used(contract):
        if counts[element] > 1:
            yield key, f'"{element}" gets its values from {counts[element]} places; one element has one source'


def _requirements(contract: Contract, standards: Standards) -> Iterator[Finding]:
    """A registry whose required element is not supplied would set aside every row."""
    supplied = {element for _, element in _used(contract)}
    for feed in contract.feeds:
        for use in standards.schemas[feed].uses if feed in standards.schemas else ():
            if use.required and use.element.id not in supplied:
                yield "columns", f'nothing is mapped to "{use.element.id}", which {feed} requires'


def _formats(contract: Contract, standards: Standards) -> Iterator[Finding]:
    for column, mappings in contract.columns.items():
        for mapping in mappings:
            element = standards.elements.get(mapping.element)
            if mapping.formats and element is not None and element.data_type != "date":
                yield f"columns.{column}.formats", f'"{mapping.element}" is not a date'
            yield from _format_faults(f"columns.{column}.formats", mapping.formats, whole_day=True)
    if contract.as_of:
        yield from _format_faults("as_of.formats", contract.as_of.formats, whole_day=False)


def _format_faults(key: str, formats: Sequence[str], *, whole_day: bool) -> Iterator[Finding]:
    for position, declared in enumerate(formats):
        if fault := format_fault(declared, whole_day=whole_day):
            yield f"{key}[{position}]", fault


def _writings(contract: Contract, standards: Standards) -> Iterator[Finding]:
    """Columns written in a list that leads nowhere, or counted in what the element does not count."""
    for column, mappings in contract.columns.items():
        for mapping in mappings:
            element = standards.elements.get(mapping.element)
            if element is None:
                continue
            if mapping.written_in and (reason := writing_fault(standards, element, mapping.written_in)):
                yield f"columns.{column}.written_in", reason
            if mapping.unit and (reason := unit_fault(element, mapping.unit)):
                yield f"columns.{column}.unit", reason


def _codes(contract: Contract, standards: Standards) -> Iterator[Finding]:
    values = [
        (f"columns.{column}.lookup.{source}", mapping.element, code)
        for column, mappings in contract.columns.items()
        for mapping in mappings
        for source, code in mapping.lookup.items()
    ]
    values += [(f"constants.{element}", element, code) for element, code in contract.constants.items()]
    for key, element_id, code in values:
        element = standards.elements.get(element_id)
        if element is None or element.code_list is None:
            continue
        known = [entry.code for entry in standards.code_lists[element.code_list].codes]
        if code not in known:
            yield key, f'"{code}" is not a code of {element.code_list}{suggestion(code, known)}'


def _assertions(contract: Contract, standards: Standards) -> Iterator[Finding]:
    supplied = [element for _, element in _used(contract)]
    for element in contract.assertions.fill_rates:
        if element not in supplied:
            yield f"assertions.fill_rates.{element}", f'"{element}" is not mapped{suggestion(element, supplied)}'


def _record_key(contract: Contract, standards: Standards) -> Iterator[Finding]:
    named = [*contract.columns, *contract.ignore]
    for position, column in enumerate(contract.record_key):
        key = f"record_key[{position}]"
        if column == WHOLE_ROW:
            if len(contract.record_key) > 1:
                yield key, '"*" (the whole row) stands alone'
        elif column not in named:
            yield key, f'"{column}" is neither mapped nor listed under ignore{suggestion(column, named)}'
    if contract.change_tracking == "snapshot" and len(set(contract.record_key)) != len(contract.record_key):
        yield "record_key", "names a column twice"


def _tracking(contract: Contract, standards: Standards) -> Iterator[Finding]:
    kind = contract.change_tracking
    if kind == "cursor" and contract.cursor is None:
        yield "cursor", "is missing: it names the column that says what is new"
    if kind != "cursor" and contract.cursor is not None:
        yield "cursor", "says nothing unless change_tracking is cursor"
    if kind != "snapshot" and contract.source.kind == "sql":
        yield "change_tracking", "a source of kind sql is only read whole; expected snapshot"
    if kind == "log" and contract.log is None:
        yield "log", "is missing: it names the publication that has the table"
    if kind != "log" and contract.log is not None:
        yield "log", "says nothing unless change_tracking is log"
    if kind == "log" and isinstance(contract.source, DatabaseSource) and contract.source.kind != "postgresql":
        yield "change_tracking", "the log of changes can be read of postgresql only; expected snapshot or cursor"
    if kind == "log" and contract.reading.replica is not None:
        yield "reading.replica", "the log of changes is that of the source itself; leave it out"
    if kind != "snapshot" and not isinstance(contract.source, DatabaseSource):
        yield "change_tracking", f"a source of kind {contract.source.kind} is only read whole; expected snapshot"
    if kind != "snapshot" and contract.whole_row_is_key:
        yield "record_key", "a changed row has to be known as the same record; name the columns that make it so"


def _ignored(contract: Contract, standards: Standards) -> Iterator[Finding]:
    for position, column in enumerate(contract.ignore):
        if column in contract.columns:
            yield f"ignore[{position}]", f'"{column}" is mapped under columns; it is either used or ignored'


def _names(contract: Contract, standards: Standards) -> Iterator[Finding]:
    for column in (*contract.columns, *contract.ignore, *contract.record_key):
        # A table may have such a column, which can only be left out.
        if column != column.strip() or (column == "_position" and column not in contract.ignore):
            yield f"columns.{column.strip()}", "a column is named without blanks around it, and never _position"


# Each rule with what has to be the author's own before it can judge a document that is not yet a contract.
_RULES: tuple[tuple[Callable[[Contract, Standards], Iterator[Finding]], Callable[[Salvage], bool]], ...] = (
    (_id, lambda found: found.has("id") and found.has("department", "id")),
    (_terms, lambda found: found.has("sharing", "class") and found.has("sharing", "legal_basis")),
    (_reading, lambda found: found.has("source", "kind")),
    (_schedule, lambda found: found.has("schedule", "cron")),
    (_path, lambda found: found.has("source", "path")),
    (_feeds, lambda found: found.has_whole("feeds")),
    (_known, lambda found: found.has("columns") and found.has_whole("feeds")),
    (_fitting, lambda found: found.has("columns") and found.has_whole("feeds")),
    (_once, lambda found: found.has("columns")),
    (_requirements, lambda found: found.has_whole("columns") and found.has_whole("constants") and found.has_whole("feeds")),
    (_formats, lambda found: found.has("columns") and not any("formats" in place for place in found.lost)),
    (_writings, lambda found: found.has("columns")),
    (_codes, lambda found: found.has("columns")),
    (_assertions, lambda found: found.has_whole("columns") and found.has_whole("constants")),
    (_record_key, lambda found: all(found.has_whole(name) for name in ("record_key", "columns", "ignore"))),
    (_tracking, lambda found: all(found.has(name) for name in ("change_tracking", "cursor", "log", "source", "record_key", "reading"))),
    (_ignored, lambda found: found.has_whole("ignore")),
    (_names, lambda found: found.has("columns")),
)


def loose_faults(document: Any, standards: Standards) -> Iterator[Finding]:
    """Unknown registries and elements of a document that is not yet a contract, also where too little of one can be kept."""
    body = document if isinstance(document, dict) else {}
    feeds = body.get("feeds")
    for position, feed in enumerate(feeds if isinstance(feeds, list) else ()):
        if isinstance(feed, str) and feed not in standards.schemas:
            yield f"feeds[{position}]", f'there is no base registry "{feed}"{suggestion(feed, list(standards.schemas))}'
    columns = body.get("columns")
    for column, value in (columns if isinstance(columns, dict) else {}).items():
        for item in value if isinstance(value, list) else [value]:
            element = item.get("element") if isinstance(item, dict) else item
            if isinstance(element, str) and element not in standards.elements:
                yield f"columns.{column}", f'there is no data element "{element}"{suggestion(element, list(standards.elements))}'
