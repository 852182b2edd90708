"""What is said of a delivery in brief counts everything."""

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from connectors.extraction import Note
from connectors.unreadable import Unreadable
from core.nouns import noun
from pipeline.delivery.notes import has_all, notes_of, unreadable_notes
from pipeline.land import land
from pipeline.landing import read_manifest
from tests.factories import RESIDENTS, Hub, person

ROWS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["a.csv", "b.csv"])), max_size=80)


@given(ROWS)
def test_reasons_count_every_row_wherever_it_stands(rows: list[tuple[int, str]]) -> None:
    given_rows = [Unreadable(place, f"reason {why}", f"{file}, line {place}") for place, (why, file) in enumerate(rows, start=1)]
    notes = unreadable_notes(given_rows)
    assert sum(int(re.match(r"\d+", note["message"])[0]) for note in notes) == len(rows)  # type: ignore[index]
    most = Counter(row.why for row in given_rows).most_common(1)
    if most:
        assert notes[0]["message"].startswith(f"{most[0][1]} {noun(most[0][1], 'row')}: reason ")
        first = next(row for row in given_rows if f": {row.why};" in notes[0]["message"])
        assert notes[0]["message"].endswith(f"; the first is {first.place}")
        assert notes[0]["positions"][0] == first.position


def test_files_that_are_alike_are_counted_and_the_odd_one_is_named() -> None:
    files = [f"{number}.csv" for number in range(30)]
    notes = [Note("encoding", "read as utf-8" if file != "7.csv" else "read as gb18030", file=file) for file in files]
    notes += [Note("file", f"its line 1 is position {place}", place, file) for place, file in enumerate(files)]
    notes += [Note("replica", "read from a replica")]
    assert [note["message"] for note in notes_of(notes)] == [
        "29 files: read as utf-8",
        "7.csv: read as gb18030",
        "30 files: where each of them begins stands in the manifest of the batch",
        "read from a replica",
    ]
    assert not has_all(notes)
    assert has_all(notes[:5])
    assert [note["message"] for note in notes_of(notes[:2])] == ["0.csv: read as utf-8", "1.csv: read as utf-8"]


def test_a_folder_of_many_files_is_one_account(hub: Hub) -> None:
    document = {**RESIDENTS, "source": {**RESIDENTS["source"], "path": "part-*.csv"}}
    names = list(person(1))
    hub.drop.mkdir(exist_ok=True)
    for number in range(12):
        rows = ["\t".join(names), *(["", ""] if number % 2 else []), "\t".join(person(number).values())]
        (hub.drop / f"part-{number:02}.csv").write_text("\n".join(rows).replace("\t", ",") + "\n")
    hub.register(document)
    batch = hub.batch(land(document["id"], hub.home))
    assert (batch.read, batch.landed, batch.unreadable) == (24, 12, 12)
    messages = [note["message"] for note in batch.notes]
    assert "12 files: read as utf-8" in messages
    assert "12 rows: the row is blank; the first is part-01.csv, line 2" in messages
    assert len(messages) < 8
    manifest = read_manifest(hub.settings, batch)
    assert manifest is not None
    assert "part-11.csv: its line 1 is position 33" in [note["message"] for note in manifest["notes"] if note["kind"] == "file"]
