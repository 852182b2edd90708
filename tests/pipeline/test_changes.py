"""Snapshot comparison against a naive account of the same rows, and the fold with and without compaction."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.engine import Engine
from pipeline.changes import CANDIDATES, DELETED, FRESH, TEXTS, WITHDRAWN, Changes, compare
from tests.factories import PATIENTS, Hub, Row, hub_in, person

Snapshot = list[tuple[int, int]]  # key and content of each row
# Content 0 may not be published.
BAD = 0
snapshots = st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=9), min_size=1, max_size=5)


@dataclass
class Oracle:
    """What a dataset holds, worked out row by row."""

    state: dict[int, int] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)

    def take(self, snapshot: Snapshot) -> dict[str, int]:
        contents: dict[int, set[int]] = {}
        for key, content in snapshot:
            contents.setdefault(key, set()).add(content)
        counts = Counter(repeated=len(snapshot) - len(set(snapshot)))
        after = {key: content for key, content in self.state.items() if key in contents}
        waited, self.waiting = self.waiting, set()
        counts["deleted"] = len(self.state) - len(after)
        for key, found in contents.items():
            (content, *others) = sorted(found)
            if others:
                counts["quarantined"] += len(found)
                self.waiting.add(key)
            elif self.state.get(key) == content and key not in waited:
                counts["unchanged"] += 1
            elif content == BAD:
                counts["quarantined"] += 1
                self.waiting.add(key)
            else:
                counts["updated" if key in self.state else "inserted"] += 1
                after[key] = content
        self.state = after
        return {name: counts[name] for name in ("unchanged", "repeated", "quarantined", "inserted", "updated", "deleted")}


def uuid_text(name: str, number: str) -> str:
    return f"md5('{name}' || {number})::uuid"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(hub_in(tmp_path_factory.mktemp("changes")).settings) as engine:
        yield engine


def compared(
    engine: Engine, snapshot: Snapshot, state: dict[int, int], waiting: Collection[int] = (), *, same_rules: bool = True
) -> Changes:
    left = "SELECT table_name, replace(table_type, 'BASE TABLE', 'TABLE') FROM information_schema.tables WHERE table_name IN "
    for name, kind in engine.rows(
        left + str((TEXTS, CANDIDATES, "landed", "arrived", "before", "repeats", FRESH, DELETED, WITHDRAWN, "previous"))
    ):
        engine.run(f"DROP {kind} {name}")
    rows = {"k": [k for k, _ in snapshot], "c": [c for _, c in snapshot], "_position": list(range(2, 2 + len(snapshot)))}
    engine.register("rows_in", pa.table({name: pa.array(found, pa.int64()) for name, found in rows.items()}))
    known = {"k": list(state), "c": list(state.values())}
    engine.register("state_in", pa.table({name: pa.array(found, pa.int64()) for name, found in known.items()}))
    ids = f"{uuid_text('k', 'k')} AS _record_id, {uuid_text('c', 'c')} AS _row_digest"
    engine.run(f"CREATE VIEW arrived AS SELECT k, c, _position, {ids} FROM rows_in")
    engine.run(f"CREATE VIEW before AS SELECT k, {ids} FROM state_in")
    engine.register("waiting_in", pa.table({"k": pa.array(list(waiting), pa.int64())}))
    waits = f"(SELECT {uuid_text('k', 'k')} AS _record_id FROM waiting_in)"
    return compare(engine, "arrived", "before", same_rules=same_rules, waiting=waits)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(snapshots)
def test_each_row_is_one_of_four_and_the_state_is_what_a_naive_account_says(engine: Engine, given_snapshots: list[Snapshot]) -> None:
    oracle = Oracle()
    state: dict[int, int] = {}
    for snapshot in given_snapshots:
        changes = compared(engine, snapshot, state, oracle.waiting)
        candidates = engine.rows(f"SELECT k, c, _known, _conflict FROM {CANDIDATES} ORDER BY k, c")
        assert changes.landed == len(snapshot) == changes.repeated + changes.unchanged + len(candidates)
        accepted = [(k, c, known) for k, c, known, conflict in candidates if not conflict and c != BAD]
        gone = {key for key in state if engine.value(f"SELECT count(*) FROM {DELETED} WHERE _record_id = {uuid_text('k', str(key))}")}
        assert all(known == (key in state) for key, _, known in accepted)
        counts = {
            "unchanged": changes.unchanged,
            "repeated": changes.repeated,
            "quarantined": len(candidates) - len(accepted),
            "inserted": sum(not known for _, _, known in accepted),
            "updated": sum(known for _, _, known in accepted),
            "deleted": len(gone),
        }
        assert changes.disappeared == len(gone)
        assert changes.previous == len(state)
        state = {key: content for key, content in state.items() if key not in gone} | {key: content for key, content, _ in accepted}
        assert counts == oracle.take(snapshot)
        assert state == oracle.state


def test_under_other_rules_every_row_is_looked_at_again_once(engine: Engine) -> None:
    snapshot = [(1, 1), (1, 1), (2, 2), (2, 3), (3, 0)]
    changes = compared(engine, snapshot, {1: 1, 4: 1}, same_rules=False)
    assert (changes.unchanged, changes.repeated, changes.disappeared) == (0, 1, 1)
    assert engine.rows(f"SELECT k, c, _known, _conflict FROM {CANDIDATES} ORDER BY k, c") == [
        (1, 1, True, False),
        (2, 2, False, True),
        (2, 3, False, True),
        (3, 0, False, False),
    ]


# The same through landing and acceptance, with real files.

CONTENTS = ({"XM": ""}, {"DH": "13800000001"}, {"DH": "13800000002"}, {"DH": ""})


def row(key: int, content: int) -> Row:
    return person(key, **CONTENTS[content])


SEQUENCES: list[list[Snapshot]] = [
    [[(k, 1) for k in range(6)], [(0, 2), (1, 0), (2, 1), (2, 1), (3, 1), (3, 2)], [(0, 2), (1, 1), (2, 3), (3, 2), (5, 1)], []],
    [[(0, 0), (1, 1)], [(0, 1), (1, 0)], [(0, 1)], [(1, 2), (0, 3), (4, 1), (4, 1), (4, 1)], [(1, 2), (4, 2), (5, 0), (5, 1)]],
]


@pytest.mark.slow
@pytest.mark.parametrize("sequence", SEQUENCES, ids=["delete-all", "back-and-forth"])
def test_accepted_batches_end_where_the_naive_account_ends(
    hub: Hub, without_suite: None, without_lake: None, sequence: list[Snapshot]
) -> None:
    hub.register(PATIENTS)
    oracle = Oracle()
    for snapshot in sequence:
        batch = hub.sync(PATIENTS, [row(*each) for each in snapshot])
        assert {name: getattr(batch, name) for name in ("unchanged", "repeated", "quarantined", "inserted", "updated", "deleted")} == (
            oracle.take(snapshot)
        )
        found = {item["resident_id"]: item["phone_number"] for item in hub.state(PATIENTS)}
        phones = {key: CONTENTS[content].get("DH", "") or None for key, content in oracle.state.items()}
        assert found == {person(key)["SFZH"]: phone for key, phone in phones.items()}
        assert batch.records == len(oracle.state)
    assert hub.unbalanced() == []


def test_the_state_is_the_same_with_and_without_compaction(
    hub: Hub, second_hub: Hub, without_suite: None, without_lake: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.files import files_of

    days = [
        [person(n) for n in range(10)],
        [person(n, DH="13900000009") for n in range(4)] + [person(n) for n in range(4, 9)],
        [person(n) for n in (0, 5, 6, 7, 8, 11, 12, 13)],
    ]
    states = []
    for each, share in ((hub, 0.2), (second_hub, 99.0)):
        monkeypatch.setattr("pipeline.state.COMPACT_SHARE", share)
        each.register(PATIENTS)
        for day in days:
            each.sync(PATIENTS, day)
        states.append([each.state(PATIENTS, upto) for upto in (1, 2, 3, None)])
        assert each.unbalanced() == []
    kinds = [{file.kind for file in files_of(each.home.catalog, "std_health__patient", ("log", "compact"))} for each in (hub, second_hub)]
    assert kinds == [{"log", "compact"}, {"log"}]
    assert states[0] == states[1]
    assert [len(state) for state in states[0]] == [10, 9, 8, 8]
