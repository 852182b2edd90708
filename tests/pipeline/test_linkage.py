"""A model is taught by the hub's own records, and what it has learned is what prediction takes from then on."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest

from core.errors import RequestError
from pipeline.publication import linkage
from pipeline.publication.linkage import train_linkage
from registries.linkage.model import kept_path, load_trained, model_path, read_trained
from tests.factories import PATIENTS, RESIDENTS, hub_in, person


def test_a_model_learns_from_records_with_an_identifier(tmp_path):
    hub = hub_in(tmp_path / "home")
    hub.register(RESIDENTS, PATIENTS)
    with pytest.raises(RequestError, match="has not been published"):
        train_linkage(hub.home, "population")
    people = [person(number) for number in range(60)]
    hub.sync(RESIDENTS, people)
    # Of sixty, six are written with another character in one of the two registers.
    hub.sync(PATIENTS, [row | ({"XM": row["XM"][0] + "琪"} if place % 10 == 0 else {}) for place, row in enumerate(people)])
    hub.publish("population")
    done = train_linkage(hub.home, "population")
    learned = done.trained.parameters
    name, phone = learned.comparisons["name"], learned.comparisons["phone"]
    assert learned.records == 120
    assert set(learned.data.split(", ")) == {"public_security__resident", "health__patient"}
    assert learned.prior == pytest.approx(60 / (120 * 119 / 2), rel=0.01)
    assert name[0].m == pytest.approx(0.9)
    assert phone[0].m == pytest.approx(1.0)
    assert load_trained("population", hub.settings.home) == done.trained
    came = load_trained("population").parameters
    assert came != learned
    # Which of both has judged can be told, and what it had learned is kept.
    assert came.name.partition("+")[0] == learned.name.partition("+")[0] == f"population/{done.trained.model.version}"
    assert came.name != learned.name == learned.model_copy(update={"trained_on": "2000-01-01"}).name
    assert read_trained(model_path("population"), kept_path(hub.settings.home, learned)) == done.trained
    page = done.chart.read_text(encoding="utf-8")
    assert not re.search(r"https?:|src=|<script|<link", page)
    # Neither file says anything of a person.
    for row in people:
        assert row["XM"] not in page
        assert row["DH"] not in json.dumps(learned.model_dump(), ensure_ascii=False)


UNIDENTIFIED = PATIENTS | {"columns": {"XM": "person_name", "DH": "phone_number"}, "ignore": ["SFZH", "XB", "CSRQ", "DZ"]}


@pytest.mark.parametrize(("document", "count", "told"), [(RESIDENTS, 9, "9 published records"), (UNIDENTIFIED, 9, "0 published records")])
def test_where_no_entity_has_two_records_nothing_is_learned_and_the_parameters_stay(tmp_path, document, count, told):
    hub = hub_in(tmp_path / "home")
    hub.register(document)
    hub.sync(document, [person(number) for number in range(count)])
    hub.publish("population")
    with pytest.raises(RequestError, match=f"population has nothing to learn from: {told}"):
        train_linkage(hub.home, "population")
    assert load_trained("population", hub.settings.home) == load_trained("population")


def test_where_no_dataset_counts_in_the_publication_nothing_is_learned(tmp_path):
    hub = hub_in(tmp_path / "home")
    hub.register(RESIDENTS | {"sharing": {"class": "none", "legal_basis": "a law"}})
    hub.sync(RESIDENTS, [person(number) for number in range(3)])
    assert hub.publish("population").withheld == 3
    with pytest.raises(RequestError, match="population has nothing to learn from: 0 published records"):
        train_linkage(hub.home, "population")


def test_two_who_train_at_once_write_one_after_the_other(tmp_path, monkeypatch):
    """Each wrote its files under the same names before they were put in their places: one found the other's gone."""
    hub = hub_in(tmp_path / "home")
    hub.register(RESIDENTS, PATIENTS)
    for document in (RESIDENTS, PATIENTS):
        hub.sync(document, [person(number) for number in range(20)])
    hub.publish("population")
    trained = train_linkage(hub.home, "population").trained
    # Both have learned, and each would put the file in its place that the other has just written.
    monkeypatch.setattr(linkage, "read_records", lambda *_: [])
    monkeypatch.setattr(linkage, "train", lambda *_: trained.parameters)
    together, write_text = Barrier(2, timeout=1), Path.write_text

    def slowly(path, *arguments, **options):
        write_text(path, *arguments, **options)
        if path.suffix == ".new":
            meet(together)

    monkeypatch.setattr(Path, "write_text", slowly)
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(train_linkage, hub.home, "population") for _ in range(2)]
    assert [item.result().trained for item in done] == [trained, trained]
    assert load_trained("population", hub.settings.home) == trained


def test_what_a_killed_training_left_is_removed_by_the_next(tmp_path):
    hub = hub_in(tmp_path / "home")
    hub.register(RESIDENTS, PATIENTS)
    for document in (RESIDENTS, PATIENTS):
        hub.sync(document, [person(number) for number in range(20)])
    hub.publish("population")
    folder = hub.settings.home / "linkage"
    folder.mkdir()
    left = [folder / name for name in ("population.new", "population-1+0a1b2c3d.new", "legal_entity.new")]
    for file in left:
        file.write_text("{")
    train_linkage(hub.home, "population")
    assert [file for file in left if file.exists()] == left[2:], "another registry may be being trained"


def meet(together: Barrier) -> None:
    """Wait for the other for as long as the barrier is patient."""
    with suppress(BrokenBarrierError):
        together.wait()
