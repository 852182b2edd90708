"""Drift: a source that is no longer what it was is told, with what it likely means, and treated as the contract says."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from catalog.batches import Batch
from core.errors import GateFailed, SourceError
from pipeline.accept import accept
from pipeline.delivery.tracking import Order
from pipeline.land import land
from quality.texts import sentence
from tests.factories import PATIENTS, RESIDENTS, Hub, Row, person, to_csv
from tests.pipeline.logical import LoggedPeople, followed, logged, logical_server
from tests.pipeline.sources import TABLE, People, connect, phones, quiet, sync, tracked

__all__ = ["logged", "logical_server"]
pytestmark = pytest.mark.usefixtures("without_suite", "without_lake")
PEOPLE = [person(number, DH=f"1390000{number:04}") for number in range(30)]
RESIDENT = {**RESIDENTS, "columns": {**RESIDENTS["columns"], "XB": {"element": "sex_code"}}}


def policy(document: Mapping[str, Any], **drift: Any) -> dict[str, Any]:
    return {**document, "drift": drift}


def called(rows: Sequence[Row], **names: str) -> list[Row]:
    """The rows with columns under other names."""
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


def drift(batch: Batch) -> dict[str, str]:
    return {note["kind"].removeprefix("drift-"): note["message"] for note in batch.notes if note["kind"].startswith("drift-")}


def arrives(hub: Hub, document: Mapping[str, Any], rows: Sequence[Row]) -> Batch:
    """Deliver rows with their own columns and no others, land and accept them."""
    hub.deliver(document, rows, list(rows[0]))
    return accept(land(document["id"], hub.home), hub.home)


def stopped(hub: Hub, document: Mapping[str, Any], rows: Sequence[Row]) -> SourceError:
    before = hub.state(document)
    with pytest.raises(SourceError) as raised:
        arrives(hub, document, rows)
    assert hub.state(document) == before
    return raised.value


def test_a_delivery_like_the_last_one_has_no_drift(hub: Hub) -> None:
    hub.register(RESIDENT)
    assert drift(arrives(hub, RESIDENT, PEOPLE)) == {}
    assert drift(arrives(hub, RESIDENT, [*PEOPLE[1:], person(40)])) == {}


def test_a_renamed_column_stops_the_batch_and_its_likely_mapping_is_said(hub: Hub) -> None:
    hub.register(PATIENTS)
    arrives(hub, PATIENTS, PEOPLE)
    error = stopped(hub, PATIENTS, called(PEOPLE, DH="LXDH"))
    assert "column DH is gone, LXDH most likely took its place (100% of the known values agree): it would be mapped to phone_number" in str(
        error
    )
    assert "(DH → LXDH)" in error.hint
    assert sentence(error.hint, "zh") == "请修改数据契约的列（DH → LXDH），或在其中写 drift: {renamed: accept}"
    assert hub.batch("health__patient@2").status == "failed"


def test_a_renamed_column_is_read_under_its_new_name_where_the_contract_accepts_that(hub: Hub) -> None:
    document = policy(PATIENTS, renamed="accept")
    hub.register(document)
    arrives(hub, document, PEOPLE)
    rows = called([*PEOPLE[1:], person(40, DH="13900001234")], DH="LXDH")
    batch = arrives(hub, document, rows)
    assert list(drift(batch)) == ["renamed"]
    # The records are those of before: only what changed counts as changed.
    assert (batch.unchanged, batch.inserted, batch.updated, batch.deleted) == (29, 1, 0, 1)
    phones = {row["resident_id"]: row["phone_number"] for row in hub.state(document)}
    assert phones == {row["SFZH"]: row["LXDH"] for row in rows}
    assert hub.unbalanced() == []


def write(hub: Hub, name: str, rows: Sequence[Row]) -> None:
    """A file of the kind that its name says."""
    path, columns = hub.drop / name, list(rows[0])
    if path.suffix == ".csv":
        path.write_text(to_csv(rows, columns), encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    elif path.suffix == ".xml":
        records = "".join(f"<r>{''.join(f'<{name}>{value}</{name}>' for name, value in row.items() if value)}</r>" for row in rows)
        path.write_text(f"<rs>{records}</rs>", encoding="utf-8")
    else:
        book = openpyxl.Workbook()
        for line in (columns, *(list(row.values()) for row in rows)):
            book.active.append(line)
        book.save(path)


KINDS = {"csv": {}, "xlsx": {}, "jsonl": {}, "xml": {"record": "r"}}


def in_two_files(kind: str) -> dict[str, Any]:
    source = {"kind": kind, "connection": "drop", "path": f"p*.{kind}", **KINDS[kind]}
    return policy({**PATIENTS, "source": source}, renamed="accept", missing="carry_on")


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_of_a_delivery_is_read_as_the_first_ones(hub: Hub, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """However many batches and files it has: a reader is at work while it is decided what its columns stand for."""
    monkeypatch.setattr(f"connectors.files.{'json_lines' if kind == 'jsonl' else kind}.BATCH_ROWS", 8)
    document = in_two_files(kind)
    hub.register(document)

    def deliver(rows: Sequence[Row]) -> Batch:
        for number in range(2):
            write(hub, f"p{number}.{kind}", rows[number::2])
        return accept(land(document["id"], hub.home), hub.home)

    assert deliver(PEOPLE).accepted == 30
    renamed = deliver(called(PEOPLE, DH="LXDH"))
    assert (list(drift(renamed)), renamed.unchanged, renamed.updated) == (["renamed"], 30, 0)
    assert {row["phone_number"] for row in hub.state(document)} == {row["DH"] for row in PEOPLE}
    gone = deliver([{name: value for name, value in row.items() if name != "DH"} for row in PEOPLE])
    assert (list(drift(gone)), gone.updated) == (["missing"], 30)
    assert {row["phone_number"] for row in hub.state(document)} == {None}
    assert hub.unbalanced() == []


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_one_delivery_that_differ_in_columns_stop_it(hub: Hub, kind: str) -> None:
    """Which of them is right nobody can say; the values of one were read as empty, or the reason was another."""
    document = in_two_files(kind)
    hub.register(document)

    def deliver(*names: str | None) -> str:
        for number, name in enumerate(names):
            rows = called(PEOPLE[number::2], DH=name or "DH")
            write(hub, f"p{number}.{kind}", rows if name else [{n: v for n, v in row.items() if n != "DH"} for row in rows])
        return land(document["id"], hub.home)

    accept(deliver("DH", "DH"), hub.home)
    before = hub.state(document)
    for names in (("DH", "LXDH"), ("LXDH", "DH"), ("DH", None), ("LXDH", "DH3"), (None, "LXDH")):
        with pytest.raises(SourceError, match=r"differ in their columns: p[01]\.\w+ lacks DH"):
            deliver(*names)
    assert hub.state(document) == before


@pytest.fixture(params=["cursor", pytest.param("log", marks=pytest.mark.slow)])
def tracked_people(request: pytest.FixtureRequest, hub: Hub, tmp_path: Path) -> tuple[People | LoggedPeople, dict[str, Any]]:
    """A table of twenty people that is read by what changes, and its contract, which follows a column under another name."""
    drift = {"renamed": "accept", "missing": "carry_on"}
    if request.param == "log":
        logged: LoggedPeople = request.getfixturevalue("logged")
        return logged, followed(hub, logged, drift=drift)
    people = People(tmp_path)
    connect(hub, patients=people.url)
    hub.register(document := tracked("sqlite", "cursor", drift=drift))
    return people, document


def test_a_part_says_too_little_of_a_renamed_column(hub: Hub, tracked_people: tuple[People | LoggedPeople, dict[str, Any]]) -> None:
    """Of a changed row or two nobody could say what the column is called now: they became empty, and the others kept what they had."""
    people, document = tracked_people
    for number in range(20):
        people.put(number, number)
    sync(hub, document)
    people.write(f'ALTER TABLE {TABLE} RENAME COLUMN "DH" TO "LXDH"')
    expected = phones(hub, document)
    for content in (77, 78):
        people.write(f"""UPDATE {TABLE} SET "LXDH" = '139{content:08}', "BB" = {content} WHERE "SFZH" = '{person(1)["SFZH"]}'""")
        batch = sync(hub, document)
        expected[person(1)["SFZH"]] = f"139{content:08}"
        assert (list(drift(batch)), batch.scope, batch.updated) == (["renamed"], "whole", 1)
        assert phones(hub, document) == expected
    people.write(f'ALTER TABLE {TABLE} RENAME COLUMN "LXDH" TO "DH"')
    people.put(2, 99, BB=99)
    assert drift(sync(hub, document)) == {}
    assert phones(hub, document) == {**expected, person(2)["SFZH"]: "13900000099"}
    people.write(f'ALTER TABLE {TABLE} DROP COLUMN "DH"')
    assert list(drift(sync(hub, document))) == ["missing"]
    assert set(phones(hub, document).values()) == {None}
    assert hub.unbalanced() == []


def test_a_renamed_key_is_recognized_by_its_values(hub: Hub) -> None:
    document = policy({**PATIENTS, "record_key": ["SFZH", "XM"]}, renamed="accept")
    hub.register(document)
    arrives(hub, document, PEOPLE)
    batch = arrives(hub, document, called(PEOPLE, SFZH="GMSFHM"))
    assert (batch.unchanged, batch.deleted) == (30, 0)


def test_a_column_of_that_name_with_other_values_is_not_the_renamed_one(hub: Hub) -> None:
    """By name and content together: DH1 is nearly DH, and says something else."""
    document = policy(PATIENTS, renamed="accept", missing="stop")
    hub.register(document)
    arrives(hub, document, PEOPLE)
    other = [{**{n: v for n, v in row.items() if n != "DH"}, "DH1": f"1370000{i:04}"} for i, row in enumerate(PEOPLE)]
    assert "lacks the column DH; it has" in stopped(hub, document, other).message


def test_values_decide_between_two_likely_names(hub: Hub) -> None:
    document = policy(PATIENTS, renamed="accept")
    hub.register(document)
    arrives(hub, document, PEOPLE)
    rows = [{**{n: v for n, v in row.items() if n != "DH"}, "DH1": f"1370000{i:04}", "DH2": row["DH"]} for i, row in enumerate(PEOPLE)]
    batch = arrives(hub, document, rows)
    assert "DH2 most likely took its place" in drift(batch)["renamed"]
    assert batch.unchanged == 30


def test_a_missing_column_stops_or_is_read_as_empty(hub: Hub) -> None:
    document = policy(PATIENTS, missing="carry_on")
    hub.register(PATIENTS)
    arrives(hub, PATIENTS, PEOPLE)
    without = [{name: value for name, value in row.items() if name != "DH"} for row in PEOPLE]
    assert "lacks the column DH; it has" in stopped(hub, PATIENTS, without).message
    hub.register(document)
    batch = arrives(hub, document, without)
    assert (batch.accepted, list(drift(batch))) == (30, ["missing"])
    assert {row["phone_number"] for row in hub.state(document)} == {None}


def test_a_missing_key_always_stops(hub: Hub) -> None:
    document = policy({**PATIENTS, "record_key": ["SFZH", "XM"]}, missing="carry_on", renamed="accept")
    hub.register(document)
    arrives(hub, document, PEOPLE)
    rows = [{**{n: v for n, v in row.items() if n != "SFZH"}, "KH": str(i)} for i, row in enumerate(PEOPLE)]
    assert "lacks the column SFZH; it has" in stopped(hub, document, rows).message


def test_a_new_column_is_told_once_with_what_it_may_be(hub: Hub) -> None:
    document = {**PATIENTS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": ["XB", "CSRQ", "DZ"]}
    plain = [{name: value for name, value in row.items() if name != "DH"} for row in PEOPLE]
    hub.register(document)
    arrives(hub, document, plain)
    rows = called(PEOPLE, DH="联系电话")
    found = drift(arrives(hub, document, rows))
    assert list(found) == ["new"]
    assert "columns that were not there before: 联系电话; 联系电话 may be phone_number" in found["new"]
    assert drift(arrives(hub, document, rows)) == {}
    hub.register(policy(document, new="stop"))
    with pytest.raises(GateFailed, match="not there before: BZ"):
        arrives(hub, document, [{**row, "BZ": "x"} for row in rows])


def test_values_of_another_form_are_told(hub: Hub) -> None:
    hub.register(PATIENTS)
    arrives(hub, PATIENTS, PEOPLE)
    found = drift(arrives(hub, PATIENTS, [{**row, "DH": f"电话{row['DH']}"} for row in PEOPLE]))
    assert "0% of the values of column DH are written in digits, 100% were" in found["retyped"]
    # Nor is a day a number, which was said of it.
    hub.register(RESIDENT)
    arrives(hub, RESIDENT, PEOPLE)
    found = drift(arrives(hub, RESIDENT, [{**row, "CSRQ": "不详"} for row in PEOPLE]))
    assert "0% of the values of column CSRQ are written in digits, 100% were" in found["retyped"]


def test_another_encoding_is_told(hub: Hub) -> None:
    hub.register(PATIENTS)
    arrives(hub, PATIENTS, PEOPLE)
    path = hub.drop / "patient.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    batch = accept(land(PATIENTS["id"], hub.home), hub.home)
    assert drift(batch)["encoding"] == "the files were read as utf-8 and are read as gb18030"
    assert batch.unchanged == 30


def test_codes_that_nobody_knows_are_told_where_their_share_jumps(hub: Hub) -> None:
    hub.register(RESIDENT)
    arrives(hub, RESIDENT, [person(0, XB="Z"), *PEOPLE[1:]])
    changed = [{**row, "XB": "Q"} for row in PEOPLE[1:9]]
    found = drift(arrives(hub, RESIDENT, [*changed, *PEOPLE[9:]]))
    assert "values of column XB are in no code list and no lookup, 3% were: add what they mean to the lookup of sex_code" in found["codes"]
    assert arrives(hub, RESIDENT, PEOPLE).accepted
    hub.register(policy(RESIDENT, codes="stop"))
    with pytest.raises(GateFailed, match="in no code list and no lookup"):
        arrives(hub, RESIDENT, [{**row, "XB": "W"} for row in PEOPLE])


def test_unknown_codes_are_a_share_of_all_rows_not_of_those_that_changed(hub: Hub) -> None:
    """A few changed rows are no jump, and one that is wrong does not hide the jump of the day after."""
    hub.register(policy(RESIDENT, codes="stop"))
    people = [person(number) for number in range(100)]
    arrives(hub, RESIDENT, people)
    few = [{**row, "XB": "Q"} for row in people[:3]]
    batch = arrives(hub, RESIDENT, [*few, *people[3:]])
    assert (batch.unchanged, drift(batch)) == (97, {})
    assert arrives(hub, RESIDENT, [*few, {**people[3], "XB": "W"}, *people[4:]]).accepted == 1
    with pytest.raises(GateFailed, match="10% of the values of column XB are in no code list and no lookup, 4% were"):
        arrives(hub, RESIDENT, [*({**row, "XB": "W"} for row in people[:10]), *people[10:]])
    # All of it is read again, and nothing of it is new.
    hub.register(policy({**RESIDENT, "title": {"zh": "居民", "en": "People"}}, codes="stop"))
    assert drift(arrives(hub, RESIDENT, [*few, {**people[3], "XB": "W"}, *people[4:]])) == {}


def test_codes_are_held_against_the_last_look_however_many_deliveries_brought_nothing(hub: Hub) -> None:
    hub.register(policy(RESIDENT, codes="stop"))
    quiet(hub, arrives(hub, RESIDENT, PEOPLE), 60)
    with pytest.raises(GateFailed, match="in no code list and no lookup, 0% were"):
        arrives(hub, RESIDENT, [{**row, "XB": "W"} for row in PEOPLE])


def test_other_volumes_are_told_or_stop(hub: Hub) -> None:
    hub.register(policy(PATIENTS, volume_change=0.3))
    arrives(hub, PATIENTS, PEOPLE[:20])
    assert drift(arrives(hub, PATIENTS, PEOPLE[:25])) == {}
    more = [*PEOPLE, *(person(number) for number in range(30, 60))]
    assert "60 rows arrived, 25 did before (+140%)" in drift(arrives(hub, PATIENTS, more))["volume"]
    hub.register(policy(PATIENTS, volume="stop"))
    with pytest.raises(GateFailed, match="60 did before") as raised:
        arrives(hub, PATIENTS, PEOPLE[:10])
    assert "set drift: {volume: carry_on} in the contract" in raised.value.hint
    assert len(hub.state(PATIENTS)) == 60


@pytest.mark.parametrize("policy_of_volume", ["stop", "carry_on"])
def test_a_dataset_that_grew_by_parts_has_no_other_volume_when_it_is_read_whole(hub: Hub, tmp_path: Path, policy_of_volume: str) -> None:
    document = tracked("sqlite", "cursor", drift={"volume": policy_of_volume})
    people = People(tmp_path)
    hub.register(document)
    connect(hub, patients=people.url)
    for last in (20, 40, 60):
        for number in range(last - 20, last):
            people.put(number, number)
        assert sync(hub, document).records == last
    batch = sync(hub, document, Order(full=True))
    assert (batch.scope, batch.records, drift(batch)) == ("whole", 60, {})
