"""What is written comes back, whatever it is."""

import csv
import io
import json
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import SourceError
from tests.connectors.helpers import Drop

# Lone surrogates are no text; a lone carriage return inside a value is written by Python in a way that other readers take for two lines.
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TABLES = st.integers(1, 5).flatmap(lambda width: st.lists(st.lists(VALUES, min_size=width, max_size=width), max_size=20))


@settings(max_examples=150)
@given(table=TABLES, encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]), ending=st.sampled_from(["\n", "\r\n"]))
def test_every_row_comes_back_or_is_counted_as_blank(table, encoding, ending):
    width = len(table[0]) if table else 1
    names = [f"c{place}" for place in range(width)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=ending, quoting=csv.QUOTE_ALL)
    lines, line = [], 2
    for row in table:
        lines.append(line)
        line += 1 + sum(value.count("\n") for value in row)
    writer.writerows([names, *table])
    with tempfile.TemporaryDirectory() as folder:
        drop = Drop(Path(folder))
        drop.put("a.csv", buffer.getvalue().encode(encoding))
        delivery = drop.read(names, encoding=encoding)
    expected = [(line, row) for line, row in zip(lines, table, strict=True) if any(value.strip() for value in row)]
    assert [(row["_position"], [row[name] for name in names]) for row in delivery.rows] == expected
    assert len(delivery.rows) + len(delivery.unreadable) == len(table)


@settings(max_examples=150)
@given(content=st.binary(max_size=300))
def test_no_bytes_break_it(content):
    with tempfile.TemporaryDirectory() as folder:
        drop = Drop(Path(folder))
        drop.put("a.csv", b"a,b\n" + content)
        try:
            delivery = drop.read(["a"])
        except SourceError:
            return
    assert all(position >= 2 for position in [*delivery.positions, *delivery.unreadable])


# Without location_coordinates, whose expected values are not those of its own file.
CASES = ["comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines", "newlines_crlf"]
CASES += ["quotes_and_newlines", "simple", "simple_crlf", "utf8"]


@pytest.mark.parametrize("case", CASES)
def test_the_csv_spectrum_reads_as_its_authors_say(drop, real_data, case):
    with tarfile.open(real_data / "torture" / "csv_spectrum.tar.gz") as archive:
        content = archive.extractfile(f"csvs/{case}.csv").read()
        expected = json.load(archive.extractfile(f"json/{case}.json"))
    drop.put("a.csv", content)
    delivery = drop.read(list(expected[0]))
    assert [{name: row[name] for name in delivery.columns} for row in delivery.rows] == expected


def test_naughty_strings_survive(drop, real_data):
    strings = json.loads((real_data / "torture" / "naughty_strings_list.json").read_text(encoding="utf-8"))
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["text", "number"], *([text, str(place)] for place, text in enumerate(strings))])
    drop.put("a.csv", buffer.getvalue())
    assert drop.read(["text"]).values("text") == strings


def test_fixtures_with_every_kind_of_fault_are_read_or_refused(drop, real_data):
    with tarfile.open(real_data / "torture" / "frictionless_fixtures_a.tar.gz") as archive:
        files = [
            member
            for member in archive.getmembers()
            if member.isfile() and Path(member.name).suffix in (".csv", ".gz", ".xlsx", ".xls", ".ods")
        ]
        for member in files:
            kind = "csv" if member.name.endswith(("csv", "gz")) else "xlsx"
            drop.put("a.data", archive.extractfile(member).read())
            try:
                delivery = drop.read(["1"], path="a.data", kind=kind, header=False)
            except SourceError:
                continue
            places = [*delivery.positions, *delivery.unreadable]
            assert len(set(places)) == len(places), member.name
