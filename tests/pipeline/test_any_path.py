"""Whatever befell an installation, it ends where a new one ends that was only told of the last day.

Three departments send for some days what changes, breaks, is mended and comes twice. Processes die, contracts change, rejected rows come
back repaired, people judge, deliveries are purged, the installation is restored from a backup. Meanwhile the ledger balances, the feed adds
up to the table, and earlier publications say what they said. What happens is drawn from a seed.
"""

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.database import reading
from core.errors import GateFailed, RequestError
from pipeline.answers.why import Moment, show, why
from pipeline.operation.backup import backup, restore
from pipeline.operation.purge import purge
from pipeline.publication.replay import replay_publication
from pipeline.quarantine.replay import replay
from registries.judgements import Decision, Side, judge, judgements, withdraw
from registries.publications import history
from tests.factories import RESIDENTS, Hub, Row, hub_in, person, wrong_check
from tests.pipeline.handing_back import edited, handed_out
from tests.pipeline.test_crashes import BOUNDARIES, Killed, dying
from tests.pipeline.test_feed import agrees, folded, names
from tests.pipeline.test_purge import grow_old

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
DEPARTMENTS = ("public_security", "health", "education")
OPTIONAL = {"DH": "phone_number", "DZ": "residence_address", "XB": "sex_code"}  # what a contract may leave out
Document = dict[str, Any]
Table = dict[str, dict[str, Any]]


def contract(department: str) -> Document:
    """People by a number of the file, not by their identity number, which may be wrong or change hands."""
    return {
        **RESIDENTS,
        "id": f"{department}__register",
        "department": {"id": department, "title": {"zh": department, "en": department}},
        "source": {"kind": "csv", "connection": "drop", "path": f"{department}.csv"},
        "record_key": ["BH"],
        "ignore": ["BH"],
        "retention": {"landing_days": 10},
    }


@dataclass
class Walk:
    """An installation and a reader of its feed; what the departments hold, by number of the file; and what was published."""

    hub: Hub
    dice: random.Random
    contracts: list[Document] = field(default_factory=lambda: [contract(department) for department in DEPARTMENTS])
    held: list[dict[int, Row]] = field(default_factory=lambda: [{} for _ in DEPARTMENTS])
    copy: Table = field(default_factory=dict)
    last: int = 0
    published: dict[int, Table] = field(default_factory=dict)

    def happens(self, chance: float) -> bool:
        return self.dice.random() < chance

    @contextmanager
    def at_risk(self, chance: float) -> Iterator[None]:
        """What is done here may end with its process, at any of the moments between two steps."""
        with pytest.MonkeyPatch.context() as patched, suppress(Killed, GateFailed):
            if self.happens(chance):
                target, when = self.dice.choice(BOUNDARIES)
                patched.setattr(target, dying(target, when))
            yield

    def put(self, place: int, number: int, who: int) -> None:
        """A department writes down a person under a number, in words of its own."""
        row = person(who, BH=f"{place}-{number}", GXSJ=self.dice.choice(("2021-05-01", "2022-03-01", "2024-08-01", "")))
        words = {"DH": f"137{self.dice.randint(0, 3):08}", "DZ": f"北京市东城区景山前街{self.dice.randint(1, 3)}号", "XM": "欧阳秀英"}
        self.held[place][number] = row | {name: word for name, word in words.items() if self.happens(0.2)}

    def night(self, place: int) -> None:
        """Something changes at a department."""
        held = self.held[place]
        one, other = self.dice.choice(sorted(held)), self.dice.choice(sorted(held))
        match self.dice.choice(("come", "go", "word", "break", "swap", "become")):
            case "come":
                who = self.dice.randrange(30)
                self.put(place, who, who)
            case "go" if len(held) > 1:
                del held[one]
            case "break":
                faults = {"SFZH": wrong_check(held[one]["SFZH"]), "XM": "", "CSRQ": "1990-13-45", "DH": "x"}
                name = self.dice.choice(sorted(faults))
                held[one] = held[one] | {name: faults[name]}
            case "swap":
                first, second = held[one]["SFZH"], held[other]["SFZH"]
                held[one], held[other] = held[one] | {"SFZH": second}, held[other] | {"SFZH": first}
            case "become":
                self.put(place, one, self.dice.randrange(30))
            case _:
                self.put(place, one, one)

    def rewrite(self, place: int) -> None:
        """The contract no longer uses a column, or uses one again."""
        document = self.contracts[place]
        columns = dict(document["columns"])
        name = self.dice.choice(sorted(OPTIONAL))
        if columns.pop(name, None) is None:
            columns[name] = OPTIONAL[name]
        ignore = ["BH", *(name for name in OPTIONAL if name not in columns)]
        self.contracts[place] = document | {"columns": columns, "ignore": ignore}
        self.hub.register(self.contracts[place])

    def sync(self, place: int) -> None:
        document, rows = self.contracts[place], list(self.held[place].values())
        self.dice.shuffle(rows)
        rows += rows[:1] if self.happens(0.3) else []
        with self.at_risk(0.3):
            self.hub.sync(document, rows)
        self.hub.sync(document, rows, full=self.happens(0.15))
        if self.happens(0.3) and self.hub.quarantine(document):
            self.repair(place)
        assert self.hub.unbalanced() == []

    def repair(self, place: int) -> None:
        """A department writes anew what was rejected, and hands it back."""
        path = handed_out(self.hub, f"{self.dice.random()}.csv", self.contracts[place]["id"])

        def edit(header: list[str], rows: list[list[str]]) -> None:
            for row in rows:
                good = person(int(row[header.index("BH")].partition("-")[2]), BH=row[header.index("BH")])
                row[:] = [good.get(name, text) for name, text in zip(header, row, strict=True)]

        with suppress(RequestError):  # of two rows under one number neither can be taken
            replay(self.contracts[place]["id"], self.hub.home, repaired=edited(path, edit))

    def judge(self) -> None:
        """Somebody takes two records for one or two people, or takes that back."""
        serving = self.hub.home.serving
        standing = [item.number for item in judgements(serving, "population", 1000) if item.withdrawn is None]
        if standing and self.happens(0.4):
            withdraw(serving, "population", self.dice.choice(standing), "tester", "no more")
            return
        sides = [Side(str(row["_record_id"]), document["id"]) for document in self.contracts for row in self.hub.state(document)]
        left, right = self.dice.sample(sorted(sides, key=lambda side: side.record_id), 2)
        verdict = self.dice.choice(("same", "same", "different", "unsure"))
        judge(serving, "population", [Decision(left, right, verdict, "seen")], "tester")  # type: ignore[arg-type]

    def publish(self) -> None:
        with self.at_risk(0.3):
            self.hub.publish("population")
        with suppress(GateFailed):
            number = self.hub.publish("population").number
            self.published[number] = self.table(number)
            assert self.table(number) == current(self.hub)
        self.check()

    def table(self, number: int) -> Table:
        """The base table as of a publication, from its history."""
        query = "SELECT * FROM base_population_history WHERE _publication_from <= :n AND (_publication_to IS NULL OR _publication_to > :n)"
        with reading(self.hub.home.serving) as connection:
            found = connection.execute(sa.text(query), {"n": number})
            return {row["_canonical_id"]: said(row) for row in (item._mapping for item in found)}

    def check(self) -> None:
        """Feed, ledger and earlier publications."""
        if not self.published:
            return
        self.last = folded(self.hub, self.copy, self.last)
        assert agrees(self.hub, self.copy)
        assert self.hub.unbalanced() == []
        for number, table in self.published.items():
            assert self.table(number) == table

    def look(self) -> None:
        """`show` and `why` say of somebody what a publication said."""
        number = self.dice.choice(sorted(self.published))
        if not self.published[number]:
            return
        canonical_id = self.dice.choice(sorted(self.published[number]))
        row = self.published[number][canonical_id]
        found = show(self.hub.home, "population", canonical_id, Moment(known_at=number))
        assert {name: found[name] for name in names()} == {name: row[name] for name in names()}
        with suppress(RequestError):  # what it rests on may be purged
            answers = why(self.hub.home, "population", canonical_id, number).answers
            told = {answer.element: str(answer.value) for answer in answers if answer.value is not None}
            assert told == {name: str(row[name]) for name in names() if row[name] is not None}

    def move(self, folder: Path) -> None:
        """The installation goes on elsewhere, from a backup."""
        folder.mkdir(exist_ok=True)
        backup(folder / "backup", self.hub.home)
        self.hub = beside(self.hub, folder / "home")
        restore(folder / "backup", self.hub.settings)
        self.check()

    def day(self, folder: Path) -> None:
        for place in range(len(DEPARTMENTS)):
            for _ in range(self.dice.randrange(5)):
                self.night(place)
            if self.happens(0.2):
                self.rewrite(place)
            if self.happens(0.7):
                self.sync(place)
        if self.published and self.happens(0.5):
            self.judge()
        if self.happens(0.7):
            self.publish()
        if self.published and self.happens(0.25):
            grow_old(self.hub, 20)
            purge(self.hub.home)
            self.check()
        if self.published and self.happens(0.15):
            self.move(folder)
        if self.published:
            self.look()


def beside(hub: Hub, folder: Path) -> Hub:
    """An empty place with the keys of an installation in it."""
    folder.mkdir(mode=0o700, parents=True)
    shutil.copytree(hub.settings.home / "keys", folder / "keys")
    return hub_in(folder)


def said(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ("_valid_from", *names())}


def current(hub: Hub) -> Table:
    return {row["_canonical_id"]: said(row) for row in hub.served("base_population")}


def without_ids(hub: Hub) -> Counter[tuple[Any, ...]]:
    """The base table; who was known first gives an entity its id, so two ways there may end with others."""
    return Counter(tuple(row.values()) for row in current(hub).values())


@pytest.mark.parametrize(("seed", "days"), [(1, 3), *(pytest.param(seed, 8, marks=pytest.mark.long) for seed in range(2, 12))])
def test_every_way_there_ends_at_the_same_tables(hub: Hub, tmp_path: Path, seed: int, days: int) -> None:
    walk = Walk(hub, random.Random(seed))
    hub.register(*walk.contracts)
    for place in range(len(DEPARTMENTS)):
        for number in walk.dice.sample(range(24), 14):
            walk.put(place, number, number)
        walk.sync(place)
    walk.publish()
    for day in range(days):
        walk.day(tmp_path / f"day {day}")
    for place, document in enumerate(walk.contracts):
        for number in walk.held[place]:
            walk.put(place, number, number)
        walk.hub.sync(document, list(walk.held[place].values()))
        assert walk.hub.quarantine(document) == {}
    serving = walk.hub.home.serving
    for item in judgements(serving, "population", 1000):
        if item.withdrawn is None:
            withdraw(serving, "population", item.number, "tester", "no more")
    walk.publish()
    for publication in history(serving, "population"):
        assert publication.not_replayable_since or replay_publication("population", publication.number, walk.hub.home).is_same
    fresh = beside(walk.hub, tmp_path / "fresh")
    fresh.register(*walk.contracts)
    for place, document in enumerate(walk.contracts):
        fresh.sync(document, list(walk.held[place].values()))
        assert kept(fresh, document) == kept(walk.hub, document)
    fresh.publish("population")
    assert without_ids(fresh) == without_ids(walk.hub)


def kept(hub: Hub, document: Document) -> list[dict[str, Any]]:
    """The standardized state, but for which batch said it."""
    return [{name: value for name, value in row.items() if name not in ("_batch_seq", "_position", "_op")} for row in hub.state(document)]
