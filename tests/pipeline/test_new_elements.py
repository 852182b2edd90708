"""An element that comes to a registry with a later standard: rows without it stay as they are, and every publication can be worked out again."""

from pathlib import Path

import pytest
import yaml

from pipeline.publication.replay import replay_publication
from registries.definition import get_definition
from registries.feed import read_changes
from standards import loader
from standards.loader import load_standards, read_standards
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id
from tests.standards.proposals import copied, edited, released

pytestmark = pytest.mark.slow
WITH_NICKNAMES = {**PATIENTS, "columns": {**PATIENTS["columns"], "NC": "nickname"}}
PEOPLE = range(1, 7)


def with_nickname(folder: Path) -> Path:
    """The installed standard under a number of its own, with one element more, which the population takes between others."""
    wider = released(copied(folder), "77.0")
    element = yaml.safe_load((wider / "data_elements" / "former_name.yml").read_text(encoding="utf-8")) | {"id": "nickname"}
    element |= {"title": {"zh": "小名", "en": "Nickname"}, "definition": {"zh": "家人的称呼", "en": "What the family says"}, "aliases": []}
    (wider / "data_elements" / "nickname.yml").write_text(yaml.safe_dump(element, allow_unicode=True), encoding="utf-8")
    return edited(wider, "schemas/population.yml", lambda body: body["uses"].insert(3, {"element": "nickname"}))


def test_rows_without_the_new_element_keep_their_digests(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_suite: None
) -> None:
    hub.register(RESIDENTS, PATIENTS)
    hub.sync(RESIDENTS, [person(number) for number in PEOPLE])
    hub.sync(PATIENTS, [person(number) for number in PEOPLE])
    hub.publish("population")
    monkeypatch.setitem(loader._substitutes, loader.FOLDER, read_standards(with_nickname(tmp_path)))
    hub.register(WITH_NICKNAMES)
    hub.sync(WITH_NICKNAMES, [person(number, NC="小芳" if number == 2 else "") for number in PEOPLE])
    assert hub.publish("population").updated == 1
    # Moved to another place, a schema still gives the digests that it gave: who has no nickname is not touched.
    hub.sync(RESIDENTS, [person(number, **({"DZ": "北京市西城区文津街7号"} if number == 5 else {})) for number in PEOPLE])
    assert hub.publish("population").updated == 1
    schema = load_standards().schemas["population"]
    page = read_changes(hub.home.serving, get_definition("population"), schema, len(PEOPLE), 100)
    ids = {str(row["_canonical_id"]): row["resident_id"] for row in hub.served("base_population")}
    assert [(ids[event.canonical_id], set(event.values)) for event in page.events] == [
        (resident_id(2), {"nickname"}),
        (resident_id(5), {"residence_address"}),
    ]
    assert [replay_publication("population", number, hub.home).is_same for number in (1, 2, 3)] == [True] * 3
    assert hub.unbalanced() == []
