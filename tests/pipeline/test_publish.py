"""Publications: several departments, incremental work equal to a rebuild, withheld datasets, and the same digests on every run."""

from pathlib import Path
from typing import Any

import pytest

from core.digests import digest_sums
from core.engine import Engine, parquet
from core.errors import GateFailed, SourceError
from core.sums import combine
from pipeline.publication.replay import replay_publication
from registries.publications import history, inputs_of, latest
from tests.factories import LICENCES, PATIENTS, RESIDENTS, Hub, Row, certificate, hub_in, person, resident_id

pytestmark = [pytest.mark.usefixtures("without_suite"), pytest.mark.slow]
without_lake = pytest.mark.usefixtures("without_lake")
LEAN = {**RESIDENTS, "columns": {"SFZH": "resident_id", "XM": "person_name", "DZ": "residence_address"}, "ignore": ["XB", "CSRQ", "DH"]}
Deliveries = dict[str, list[Row]]

# Three days of two departments: new and gone people, other values, people whom only one of the two knows, two records of one person.
DAYS: list[Deliveries] = [
    {LEAN["id"]: [person(n) for n in range(10)], PATIENTS["id"]: [person(n, DH=f"1370000{n:04}") for n in range(5, 14)]},
    {
        LEAN["id"]: [person(n, DZ="北京市西城区文津街7号" if n < 3 else person(n)["DZ"]) for n in range(1, 11)],
        PATIENTS["id"]: [person(n, DH="") for n in range(5, 8)] + [person(n) for n in range(8, 15)],
    },
    {
        LEAN["id"]: [person(n) for n in (*range(1, 9), 12, 13)] + [person(20, SFZH="")],
        PATIENTS["id"]: [person(n, XM="欧阳丽") for n in range(7, 16)] + [person(2, SFZH="")],
    },
]


def run(hub: Hub, days: list[Deliveries], *, each: bool) -> None:
    hub.register(LEAN, PATIENTS)
    for day in days:
        for document in (LEAN, PATIENTS):
            hub.sync(document, day[document["id"]])
        if each:
            hub.publish("population")
    hub.publish("population")


def base_rows(hub: Hub) -> list[dict[str, Any]]:
    system = {"_publication_from", "_publication_to"}
    return [{name: value for name, value in row.items() if name not in system} for row in hub.served("base_population")]


@without_lake
def test_publishing_after_each_change_set_ends_where_one_publication_at_the_end_does(hub: Hub, second_hub: Hub) -> None:
    run(hub, DAYS, each=True)
    run(second_hub, DAYS, each=False)
    newest, only = (history(each.home.serving, "population")[0] for each in (hub, second_hub))
    assert (newest.number, only.number) == (3, 1)
    assert base_rows(hub) == base_rows(second_hub)
    for name in ("digest", "entities", "records", "linked", "unlinked", "withheld"):
        assert getattr(newest, name) == getattr(only, name)
    assert newest.unlinked == 2
    assert hub.unbalanced() == second_hub.unbalanced() == []
    _why_agrees(hub)


def _why_agrees(hub: Hub) -> None:
    from pipeline.answers.verdicts import CHOSEN
    from pipeline.answers.why import why

    for row in hub.served("base_population")[::9]:
        for answer in why(hub.home, "population", row["_canonical_id"]).answers:
            assert str(answer.value or "") == str(row[answer.element] or "")
            chosen = [candidate for candidate in answer.candidates if candidate.verdict == CHOSEN]
            assert [candidate.value for candidate in chosen] == ([] if answer.value is None else [answer.value])


@without_lake
def test_the_registrar_of_a_fact_is_heard_first_and_others_fill_what_it_lacks(any_hub: Hub) -> None:
    from pipeline.answers.why import find_entity, show, why

    hub = any_hub
    hub.register(LEAN, PATIENTS)
    hub.sync(LEAN, [person(1, XM=" 李伟 ", DZ="")])
    hub.sync(PATIENTS, [person(1, XM="李卫", DH="１３７００００００００")])
    hub.publish("population")
    canonical = find_entity(hub.home, "population", resident_id(1))
    row = show(hub.home, "population", canonical)
    assert (row["person_name"], row["phone_number"], row["residence_address"]) == ("李伟", "13700000000", None)
    answers = {answer.element: answer for answer in why(hub.home, "population", canonical).answers}
    names = [(c.contract_id, c.batch_id, c.position, c.raw, c.value, c.verdict) for c in answers["person_name"].candidates]
    assert names == [
        (LEAN["id"], f"{LEAN['id']}@1", 2, " 李伟 ", "李伟", "chosen"),
        (PATIENTS["id"], f"{PATIENTS['id']}@1", 2, "李卫", "李卫", "outranked"),
    ]
    (phone,) = answers["phone_number"].candidates
    assert (phone.raw, phone.value, phone.verdict) == ("１３７００００００００", "13700000000", "chosen")
    assert [candidate.verdict for candidate in answers["residence_address"].candidates] == ["empty"]
    assert answers["death_date"].candidates == ()


@without_lake
def test_a_source_speaks_with_its_newest_record_and_then_its_fullest(hub: Hub) -> None:
    from pipeline.answers.why import find_entity, why

    document = {**PATIENTS, "record_key": ["KH"], "ignore": ["XB", "CSRQ", "DZ", "KH"]}
    hub.register(document)
    older = {**person(1, XM="旧名", DH="13700000001", GXSJ="2020-01-01"), "KH": "1"}
    newer = {**person(1, XM="新名", DH="", GXSJ="2021-01-01"), "KH": "2"}
    fuller = {**person(1, XM="全名", DH="13700000003", GXSJ="2021-01-01"), "KH": "3"}
    hub.sync(document, [older, newer, fuller])
    published = hub.publish("population")
    assert (published.records, published.linked, published.entities) == (3, 3, 1)
    (row,) = hub.served("base_population")
    assert (row["person_name"], row["phone_number"], str(row["_valid_from"])) == ("全名", "13700000003", "2021-01-01")
    answers = {
        answer.element: answer for answer in why(hub.home, "population", find_entity(hub.home, "population", resident_id(1))).answers
    }
    assert [c.verdict for c in answers["person_name"].candidates] == ["chosen", *["not-the-best-record-of-its-source"] * 2]
    # The time of day is not told from the day: neither is the newer one, and nobody is told so.
    morning, evening = (
        {**fuller, "GXSJ": f"2021-01-01 {hour}:00:00", "KH": hour, "XM": name} for hour, name in (("08", "早名"), ("20", "晚名"))
    )
    hub.sync(document, [older, morning, evening])
    hub.publish("population")
    account = why(hub.home, "population", find_entity(hub.home, "population", resident_id(1)))
    (names,) = (answer.candidates for answer in account.answers if answer.element == "person_name")
    assert {c.value: c.verdict for c in names if c.verdict != "chosen"} == {
        "旧名": "not-the-best-record-of-its-source",
        next(c.value for c in names if c.verdict == "like-the-best-record-of-its-source"): "like-the-best-record-of-its-source",
    }
    hub.sync(document, [older, newer])
    hub.publish("population")
    (row,) = hub.served("base_population")
    # One record speaks for the source, also where an older one has more to say.
    assert (row["person_name"], row["phone_number"]) == ("新名", None)


@without_lake
def test_a_dataset_that_is_not_shared_is_withheld_whole(hub: Hub) -> None:
    closed = {**PATIENTS, "sharing": {"class": "none", "legal_basis": "Archives Act"}}
    hub.register(closed)
    hub.sync(closed, [person(1), person(2)])
    first = hub.publish("population")
    assert (first.records, first.linked, first.withheld, first.entities) == (2, 0, 2, 0)
    hub.register(LEAN)
    hub.sync(LEAN, [person(number) for number in range(2, 12)])
    second = hub.publish("population")
    assert (second.number, second.records, second.linked, second.withheld, second.entities) == (2, 12, 10, 2, 10)
    assert all(row["phone_number"] is None for row in hub.served("base_population"))
    assert hub.unbalanced() == []


CARRIED = {"SFZH": "certificate_holder_code", "ZZLX": "certificate_type_name", "ZZBH": "certificate_number", "FZRQ": "issued_date"}
AS_PEOPLE = {**PATIENTS, "ignore": ["XB", "CSRQ", "DZ", "ZZLX", "ZZBH", "FZRQ"]}
AS_CERTIFICATES = {**AS_PEOPLE, "feeds": ["certificate"], "columns": CARRIED, "ignore": ["XB", "CSRQ", "DZ", "XM", "DH"]}


@pytest.mark.long
@without_lake
@pytest.mark.parametrize("reads_between", [True, False])
def test_a_dataset_leaves_a_registry_for_another_and_comes_back(hub: Hub, reads_between: bool) -> None:
    def carried(number: int, **changed: str) -> dict[str, str]:
        return {**person(number, **changed), **certificate(number)}

    hub.register(LEAN, AS_PEOPLE)
    hub.sync(LEAN, [person(number) for number in range(10)])
    hub.sync(AS_PEOPLE, [carried(number) for number in range(9, 12)])
    first = hub.publish("population")
    assert (first.entities, first.linked) == (12, 13)
    hub.register(AS_CERTIFICATES)
    # It joins the other, for which nothing has been read.
    assert hub.publish("certificate").records == 0
    if reads_between:
        hub.sync(AS_CERTIFICATES, [carried(number) for number in range(9, 12)])
        assert hub.publish("certificate").entities == 3
    left = hub.publish("population")
    assert (left.entities, left.deleted, left.linked, left.withheld) == (10, 2, 10, 3)
    assert {row["phone_number"] for row in hub.served("base_population")} == {None}
    # And whatever others deliver meanwhile is published.
    hub.sync(LEAN, [person(number) for number in range(1, 10)])
    assert hub.publish("population").entities == 9
    hub.register(AS_PEOPLE)
    waiting = hub.publish("population")
    assert (waiting.entities, waiting.withheld) == ((9, 3) if reads_between else (11, 0))
    hub.sync(AS_PEOPLE, [carried(number) for number in range(9, 12)])
    back = hub.publish("population")
    assert (back.entities, back.linked, back.withheld) == (11, 12, 0)
    if reads_between:
        with pytest.raises(GateFailed, match="3 of 3 entities would disappear"):
            hub.publish("certificate")
        gone = hub.publish("certificate", accept_shrink="it was never meant for that")
        assert (gone.entities, gone.deleted, gone.withheld) == (0, 3, 3)
    assert hub.unbalanced() == []
    for registry in ("population", "certificate"):
        for number in range(1, latest(hub.home.serving, registry).number + 1):
            assert replay_publication(registry, number, hub.home).is_same


@without_lake
def test_a_dataset_that_comes_back_before_anything_was_published_stays_as_it_was(hub: Hub) -> None:
    hub.register(AS_PEOPLE)
    rows = [{**person(number), **certificate(number)} for number in range(8)]
    hub.sync(AS_PEOPLE, rows)
    hub.publish("population")
    hub.register(AS_CERTIFICATES)
    hub.sync(AS_CERTIFICATES, rows)
    hub.register(AS_PEOPLE)
    now = hub.publish("population")
    assert (now.entities, now.withheld) == (8, 0)
    hub.sync(AS_PEOPLE, rows[1:])
    now = hub.publish("population")
    assert (now.entities, now.linked, now.withheld) == (7, 7, 0)
    assert {row["person_name"] for row in hub.served("base_population")} == {row["XM"] for row in rows[1:]}


@without_lake
def test_what_was_shared_can_be_withdrawn_and_shared_again(any_hub: Hub) -> None:
    hub = any_hub
    hub.register(LEAN, PATIENTS)
    hub.sync(LEAN, [person(number) for number in range(10)])
    hub.sync(PATIENTS, [person(number) for number in range(9, 11)])
    first = hub.publish("population")
    assert (first.entities, first.linked) == (11, 12)
    hub.register({**PATIENTS, "sharing": {"class": "none", "legal_basis": "Archives Act"}})
    second = hub.publish("population")
    assert (second.entities, second.deleted, second.linked, second.withheld) == (10, 1, 10, 2)
    assert {row["phone_number"] for row in hub.served("base_population")} == {None}
    assert hub.unbalanced() == []
    hub.register(PATIENTS)
    third = hub.publish("population")
    assert (third.entities, third.linked, third.withheld) == (11, 12, 0)
    assert third.digest == first.digest
    assert hub.unbalanced() == []


@without_lake
def test_a_contract_that_maps_less_takes_the_values_back_also_of_records_it_now_refuses(hub: Hub) -> None:
    from pipeline.answers.why import find_entity, why

    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(number) for number in range(10)])
    hub.publish("population")
    without_phone = {**PATIENTS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": ["XB", "CSRQ", "DZ", "DH"]}
    hub.register(without_phone)
    batch = hub.sync(without_phone, [person(0, XM=""), *(person(number) for number in range(1, 10))])
    assert (batch.accepted, batch.unchanged, batch.quarantined) == (9, 0, 1)
    hub.publish("population")
    assert {row["phone_number"] for row in hub.served("base_population")} == {None}
    account = why(hub.home, "population", find_entity(hub.home, "population", resident_id(0)))
    assert {answer.element: answer.value for answer in account.answers}["phone_number"] is None
    assert hub.unbalanced() == []


@without_lake
def test_certificates_are_found_by_type_and_number_also_with_a_slash(hub: Hub) -> None:
    from pipeline.answers.why import find_entity

    hub.register(LICENCES)
    hub.sync(LICENCES, [certificate(1), certificate(2, ZZBH="京/2020/7")])
    hub.publish("certificate")
    rows = {row["certificate_number"]: row["_canonical_id"] for row in hub.served("base_certificate")}
    for number, canonical in rows.items():
        assert find_entity(hub.home, "certificate", f"机动车驾驶证/{number}") == canonical


@without_lake
def test_other_columns_of_a_source_may_have_nearly_any_name(hub: Hub) -> None:
    """A column that nobody mapped is landed too."""
    hub.register(PATIENTS)
    names = ("raw", "value", "l", "_kind", "in person_name", "person_name", "_valid_from", "_row_issues")
    batch = hub.sync(PATIENTS, [person(1) | dict.fromkeys(names, "x"), person(2, XM="") | dict.fromkeys(names, "y")])
    assert (batch.accepted, batch.quarantined) == (1, 1)
    assert hub.quarantine(PATIENTS) == {3: {"person_name:missing"}}
    assert hub.unbalanced() == []


@without_lake
@pytest.mark.parametrize("name", ["_record_id", "_KNOWN", "_conflict", "rules", "sfzh"])
def test_a_column_that_would_be_taken_for_another_is_refused_by_name_unless_ignored(hub: Hub, name: str) -> None:
    hub.register(PATIENTS)
    # In front of the mapped one, where the engine would find it first.
    rows = [{name: "x"} | person(1)]
    with pytest.raises(SourceError, match=name):
        hub.sync(PATIENTS, rows)
    ignoring = {**PATIENTS, "ignore": [*PATIENTS["ignore"], name]}
    hub.register(ignoring)
    assert hub.sync(ignoring, rows).accepted == 1


def test_the_lake_follows_both_kinds_of_table(hub: Hub) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    from pipeline.state import log_columns, log_source, standardized_table
    from standards.loader import load_standards

    run(hub, DAYS[:2], each=True)
    catalog = SqlCatalog("hub", uri=hub.settings.lake_url, warehouse=hub.settings.lake_warehouse)
    iceberg = catalog.load_table(f"std.{standardized_table(LEAN['id'])}").scan().to_arrow()
    base = catalog.load_table("base.base_population").scan().to_arrow()
    links = catalog.load_table("base.xref_population").scan().to_arrow()
    catalog.close()
    from catalog.datasets import contract_in_force
    from catalog.files import files_of

    columns = log_columns(contract_in_force(hub.home.catalog, LEAN["id"])[1], load_standards())
    files = files_of(hub.home.catalog, standardized_table(LEAN["id"]), ("log",))
    with Engine(hub.settings) as engine:
        engine.register("iceberg", iceberg)
        log = log_source(hub.home, standardized_table(LEAN["id"]), columns, files)
        names = ", ".join(f'"{name}"::varchar' for name in columns)
        differing = f"(SELECT {names} FROM iceberg EXCEPT ALL SELECT {names} FROM {log})"
        assert engine.value(f"SELECT count(*) FROM {differing}") == 0
        assert engine.value(f"SELECT count(*) FROM {log}") == iceberg.num_rows > 10
    assert base.num_rows == sum(p.inserted + p.updated + p.deleted for p in history(hub.home.serving, "population"))
    assert links.num_rows >= inputs_of(hub.home.serving, "population", 2)[LEAN["id"]].linked


def _run_digest(folder: Path, keys: Path | None, threads: int) -> tuple[Any, ...]:
    """Digests of the standardized and the base table and of their files, after two days."""
    if keys is not None:
        import shutil

        folder.mkdir(mode=0o700)
        shutil.copytree(keys, folder / "keys")
    hub = hub_in(folder, threads=str(threads))
    run(hub, DAYS[:2], each=True)
    files = sorted(
        path for table in ("std_*", "base_population", "xref_population") for path in hub.settings.lake_dir.glob(f"{table}/*.parquet")
    )
    with Engine(hub.settings) as engine:
        sums = []
        for path in files:
            columns = [name for (name,) in engine.rows(f"SELECT name FROM parquet_schema('{path}') WHERE num_children IS NULL")]
            text = " || '|' || ".join(f"coalesce(\"{name}\"::varchar, '~')" for name in columns)
            sql = f"SELECT substr(sha256({text}), 1, 32)::uuid AS d FROM {parquet([path])}"
            sums.append((path.name, path.parent.name, combine(*engine.row(f"SELECT {digest_sums('d')} FROM ({sql})"))))
    published = history(hub.home.serving, "population")
    return (sums, [publication.digest for publication in published], [path.read_bytes() for path in files])


@pytest.mark.parametrize(
    "runs", [pytest.param([2], id="twice", marks=pytest.mark.long), pytest.param([2, 2, 1], id="four times", marks=pytest.mark.long)]
)
def test_every_run_gives_the_same_whatever_the_threads(tmp_path: Path, runs: list[int]) -> None:
    first = _run_digest(tmp_path / "1", None, 1)
    assert len(first[0]) >= 10
    for number, threads in enumerate(runs, start=2):
        again = _run_digest(tmp_path / str(number), tmp_path / "1" / "keys", threads)
        assert again[:2] == first[:2]
        assert again[2] == first[2]
