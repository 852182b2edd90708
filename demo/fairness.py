"""Errors of a base table by source and by group of people, held against the known truth: age, sex and ethnic group of a person as they truly are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.dice import Flags, Ints
from demo.people import date_of
from demo.truth import answers
from quality.accuracy import ALL, SOURCE, Accuracy, AccuracyReport
from standards.model import Standards, Title

BASIS = Title(zh="演示城市的真值", en="the known truth of the demo's city")
AGES = ((0, 18), (18, 35), (35, 60), (60, 80), (80, 200))
LEAST = 100  # people of an ethnic group that stands in a line of its own
OTHERS = Title(zh="其他民族", en="other ethnic groups")


@dataclass(frozen=True)
class Tally:
    """Per true entity: whether it was found, how many values were given of it, and how many of these are wrong or invented."""

    found: Flags
    given: Ints
    wrong: Ints


def tally(registry: str, truth: pa.Table, table: pa.Table) -> Tally:
    """Hold a table against the truth, entity by entity; of several rows with one identity the first counts."""
    found, given, wrong = np.zeros(truth.num_rows, np.bool_), np.zeros(truth.num_rows, np.int64), np.zeros(truth.num_rows, np.int64)
    for rows, _, answered, equal in answers(registry, truth, table):
        found[rows] = True
        given[rows] += answered
        wrong[rows] += answered & ~equal
    return Tally(found, given, wrong)


def fairness(
    registry: str,
    day: int,
    truth: pa.Table,
    published: pa.Table,
    sources: Mapping[str, pa.Table],
    titles: Mapping[str, Title],
    standards: Standards,
) -> AccuracyReport:
    """The account of a publication: all of it, each source by itself, and, of people, each group."""
    whole = tally(registry, truth, published)
    everyone = np.ones(truth.num_rows, np.bool_)
    lines = [_line(ALL, "", Title(zh="全部", en="all"), whole, everyone)]
    lines += [_line(SOURCE, name, titles[name], tally(registry, truth, table), everyone) for name, table in sources.items()]
    lines += [_line(kind, group, title, whole, members) for kind, group, title, members in _groups(truth, day, standards)]
    return AccuracyReport(BASIS, tuple(lines))


def _line(kind: str, group: str, title: Title, told: Tally, members: Flags) -> Accuracy:
    counts = (members, told.found & members, told.given[members], told.wrong[members])
    return Accuracy(kind, group, title, *(int(np.sum(count)) for count in counts))


def _groups(truth: pa.Table, day: int, standards: Standards) -> Iterator[tuple[str, str, Title, Flags]]:
    """Kind, id, title and members of every group; none where the table is not about people."""
    if "birth_date" not in truth.column_names:
        return
    born = np.asarray(pc.cast(pc.cast(truth["birth_date"], pa.string()), pa.date32())).astype("datetime64[D]")
    ages = ((date_of(day) - born).astype(np.int64) / 365.2425).astype(np.int64)
    for low, high in AGES:
        band = f"{low}–{high - 1}" if high < AGES[-1][1] else f"{low}+"
        yield "age", band, Title(zh=f"{band} 岁", en=f"aged {band}"), (low <= ages) & (ages < high)
    for kind, element, least in (("sex", "sex_code", 1), ("ethnic_group", "ethnic_group_code", LEAST)):
        codes = np.asarray(pc.fill_null(truth[element], "")).astype(str)
        rest = np.ones(truth.num_rows, np.bool_)
        for code in standards.code_lists[standards.elements[element].code_list or ""].codes:
            members = codes == code.code
            if np.sum(members) >= least:
                rest &= ~members
                yield kind, code.code, Title(zh=code.title.zh, en=code.title.en or code.title.zh), members
        if np.any(rest):
            yield kind, "others", OTHERS, rest
