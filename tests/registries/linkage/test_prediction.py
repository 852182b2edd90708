"""Prediction on people whose truth is known: found, left apart, the same by one thread or two, and nothing in errors or left behind."""

import pyarrow as pa
import pytest

from core.engine import Engine
from core.settings import load_settings
from registries.linkage.blocking import block
from registries.linkage.model import load_trained
from registries.linkage.near import near
from registries.linkage.predict import predict, predict_within
from registries.linkage.prepare import prepare

pytestmark = pytest.mark.slow
ELEMENTS = ("person_name", "sex_code", "birth_date", "residence_address", "phone_number")
KNOWN = [
    ("王伟", "1", "1980-01-02", "浙江省杭州市西湖区文三路1号", "13800000001"),
    ("王伟", "1", "1991-11-12", "浙江省杭州市西湖区文三路2号", "13800000002"),
    ("張樣例", "2", "1975-05-06", "浙江省杭州市上城区解放路30号2幢1单元301室", None),
    ("阿卜杜·热合曼", "1", "1969-09-09", None, "13800000004"),
    ("李小红", "2", "2001-02-03", "浙江省杭州市余杭区五常街道爱橙街1号", "13800000005"),
]
ASKED = [
    ("王伟", "1", "1980-01-02", None, "13800000001"),  # the first, by all it says
    ("张样例", "2", "1975-05-06", "杭州市上城区解放路30号2幢1单元301室", None),  # the third, in simplified characters
    ("阿卜杜热合曼", "1", "1969-09-09", None, "13800000004"),  # the fourth, without the dot
    ("李晓红", "2", "2001-02-03", "浙江省杭州市余杭区五常街道爱橙街1号", "13800000005"),  # the fifth, by its sound
    ("赵不在", "1", "1950-10-10", "浙江省杭州市西湖区文三路1号", None),  # nobody: lives where the first lives
]
FOUND = {(0, 0), (1, 2), (2, 3), (3, 4)}


def relation(engine: Engine, name: str, rows: list[tuple]) -> None:
    columns = {element: pa.array([row[place] for row in rows], pa.string()) for place, element in enumerate(ELEMENTS)}
    engine.register(f"{name}_rows", pa.table({"_record_id": pa.array(range(len(rows)), pa.int32()), **columns}))
    engine.run(f"CREATE TABLE {name} AS SELECT *, '{name}' AS _dataset FROM {name}_rows")


def engine_of(tmp_path, threads: int) -> Engine:
    return Engine(load_settings({"HUB_HOME": str(tmp_path)}), threads=threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_records_are_found_and_others_left_apart(tmp_path, threads):
    with engine_of(tmp_path, threads) as engine:
        relation(engine, "asked", ASKED)
        relation(engine, "known", KNOWN)
        predict(engine, load_trained("population"), "asked", "known", "found")
        assert set(engine.rows("SELECT left_record, right_record FROM found WHERE verdict = 'same'")) == FOUND
        assert engine.rows("SELECT level_name FROM found WHERE left_record = 3 AND right_record = 4") == [(1,)]
        assert {name for (name,) in engine.rows("SHOW TABLES")} == {"asked", "known", "asked_rows", "known_rows", "found"}


def test_a_score_is_the_prior_and_the_sum_of_its_weights(tmp_path):
    trained = load_trained("population")
    with engine_of(tmp_path, 1) as engine:
        relation(engine, "asked", ASKED)
        relation(engine, "known", KNOWN)
        predict(engine, trained, "asked", "known", "found")
        weights = " + ".join(f"weight_{comparison.id}" for comparison in trained.model.comparisons)
        prior = trained.parameters.prior_weight
        for score, total in engine.rows(f"SELECT score, {weights} FROM found"):
            assert score == pytest.approx(prior + total, abs=0.001)


def test_sides_do_not_matter_and_within_is_between_oneself(tmp_path):
    trained = load_trained("population")
    with engine_of(tmp_path, 2) as engine:
        relation(engine, "asked", ASKED)
        relation(engine, "known", KNOWN)
        predict(engine, trained, "asked", "known", "there")
        predict(engine, trained, "known", "asked", "back")
        there = engine.rows("SELECT left_record, right_record, score FROM there ORDER BY ALL")
        assert there == engine.rows("SELECT right_record, left_record, score FROM back ORDER BY ALL")
        engine.run(
            "CREATE TABLE everyone AS SELECT _record_id + 100 AS _record_id, * EXCLUDE (_record_id) FROM asked UNION ALL BY NAME FROM known"
        )
        predict_within(engine, trained, "everyone", "within")
        across = "least(left_record, right_record), greatest(left_record, right_record) - 100"
        found = engine.rows(f"SELECT {across} FROM within WHERE verdict = 'same' ORDER BY ALL")
        assert found == sorted((known, asked) for asked, known in FOUND)


def test_a_value_that_too_many_share_is_passed_over_and_counted(tmp_path):
    trained = load_trained("population")
    small = trained.model_copy(update={"model": trained.model.model_copy(update={"largest_block": 100})})
    with engine_of(tmp_path, 1) as engine:
        relation(engine, "asked", [("王伟", "1", "1980-01-02", None, "13800000001")] * 20)
        relation(engine, "known", KNOWN + [("王伟", "1", "1980-01-02", None, None)] * 20)
        passed = predict(engine, small, "asked", "known", "found")
        assert {(item.values, item.pairs) for item in passed} == {(1, 420)}
        assert engine.value("SELECT count(*) FROM found WHERE right_record = 0") == 20


def made_up(people: int) -> tuple[list[tuple], list[tuple]]:
    """People of a register, and the same as another one wrote them down: by sound, with a wrong digit, moved, or without a phone."""
    given = ["伟强", "芳", "秀英", "敏", "静怡", "丽", "磊", "洋", "建国", "艳红"]
    known = [
        (
            "王李张刘陈杨黄赵吴周"[number % 10] + given[number // 10 % 10],
            str(1 + number % 2),
            f"{1950 + number % 50}-{1 + number % 12:02}-{1 + number % 28:02}",
            f"浙江省杭州市西湖区文三路{number}号",
            f"138{number:08}",
        )
        for number in range(people)
    ]
    asked = []
    for number, (name, sex, birth, address, phone) in enumerate(known):
        changes = {
            0: (name.replace("伟", "炜").replace("静", "敬"), sex, birth, address, phone),
            1: (name, sex, birth[:-1] + "9", address, phone),
        }
        changes |= {
            2: (name, sex, birth, None, phone),
            3: (name, sex, birth, address, None),
            4: (name, None, birth, "杭州市上城区解放路9号", phone),
        }
        asked.append(changes[number % 5])
    return asked, known


def test_made_up_people_are_found_and_threads_change_nothing(tmp_path):
    asked, known = made_up(300)
    tables = []
    for threads in (1, 2):
        with engine_of(tmp_path, threads) as engine:
            relation(engine, "asked", asked)
            relation(engine, "known", known)
            predict(engine, load_trained("population"), "asked", "known", "found")
            tables.append(engine.rows("SELECT * FROM found"))
    assert tables[0] == tables[1]
    same = {(row[0], row[1]) for row in tables[0] if row[3] == "same"}
    assert {left == right for left, right in same} == {True}
    assert len(same) >= 0.95 * len(known), len(same)


def test_a_rival_makes_a_pair_one_for_a_person(tmp_path):
    """Two of one register who are alike in all that the third record says: at most one of them can be that person."""
    twin = ("王伟", "1", "1980-01-02")
    with engine_of(tmp_path, 1) as engine:
        relation(engine, "asked", [(*twin, None, None)])
        both = [(*twin, "浙江省杭州市西湖区文三路1号", "13800000001"), (*twin, "浙江省杭州市上城区解放路9号", "13900000002")]
        relation(engine, "known", [*both, *made_up(3000)[1]])  # a name is as rare as the records there are say
        trained = load_trained("population")
        apart = trained.model.thresholds.model_copy(update={"duplicate": 99})  # the register says that they are two
        model = trained.model_copy(update={"model": trained.model.model_copy(update={"thresholds": apart})})
        predict(engine, model, "asked", "known", "found")
        assert engine.rows("SELECT verdict, rival = score FROM found") == [("review", True)] * 2
        engine.run("CREATE TABLE one AS SELECT *, 'e' || greatest(_record_id, 1) AS _entity FROM known")
        predict(engine, model, "asked", "one", "again")
        assert engine.rows("SELECT verdict, rival FROM again") == [("same", None)] * 2
        engine.run("CREATE TABLE two AS SELECT *, 'e' || _record_id AS _entity FROM known")
        predict(engine, model, "asked", "two", "apart")
        assert engine.rows("SELECT verdict, rival = score FROM apart") == [("review", True)] * 2


def test_twins_are_for_a_person(tmp_path):
    """They have a day of birth, a home, a telephone and a family name in common, and only one of them is known."""
    home = ("1", "2001-02-03", "浙江省杭州市余杭区五常街道爱橙街1号", "13800000005")
    with engine_of(tmp_path, 1) as engine:
        relation(engine, "asked", [("李小明", *home)])
        relation(engine, "known", [("李小亮", *home), *made_up(300)[1]])
        predict(engine, load_trained("population"), "asked", "known", "found")
        assert engine.rows("SELECT right_record, verdict FROM found") == [(0, "review")]


def test_only_entities_that_share_a_key_are_prepared_and_scores_are_as_if_all_were(tmp_path):
    asked, known = made_up(400)
    trained, model = load_trained("population"), load_trained("population").model
    with engine_of(tmp_path, 2) as engine:
        relation(engine, "known", known)
        relation(engine, "asked", asked[:6])
        engine.run("CREATE VIEW entities AS SELECT *, _record_id AS _entity FROM known")
        with near(engine, model, "asked", "entities", "close"):
            close = {record_id for (record_id,) in engine.rows("SELECT _record_id FROM close")}
        for name in ("known", "asked"):
            prepare(engine, model, name, f"{name}_prepared")
        block(engine, model, "asked_prepared", "known_prepared", "pairs")
        compared = engine.rows("SELECT DISTINCT _record_id FROM pairs JOIN known_prepared ON _row = join_key_r")
        assert close == {record_id for (record_id,) in compared}
        assert 6 <= len(close) < len(known) / 4
        for right, into in (("entities", "of_entities"), ("known", "of_all")):
            predict(engine, trained, "asked", right, into)
        found, every = (
            engine.rows(f"SELECT left_record, right_record, score FROM {into} ORDER BY ALL") for into in ("of_entities", "of_all")
        )
        assert found == every
