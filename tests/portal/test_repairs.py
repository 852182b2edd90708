"""What the portal shows of rows that wait, that were repaired, and of the records they became."""

import pytest

from pipeline.quarantine.listing import export_rows
from pipeline.quarantine.replay import replay
from tests.factories import RESIDENTS, hub_in, person, resident_id
from tests.pipeline.handing_back import edited, filling
from tests.portal.conftest import Portal, counted, open_portal

ID = RESIDENTS["id"]


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """Three rows were set aside; of those that came back one is right, one is wrong still, one repairs nothing."""
    hub = hub_in(tmp_path_factory.mktemp("repaired") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.accept.validate", counted)
        hub.register(RESIDENTS)
        hub.sync(RESIDENTS, [*(person(n) for n in range(3)), *(person(n, XM="") for n in (50, 51, 52))])
        path = hub.drop / "rejected.xlsx"
        export_rows(hub.home, ID, path)
        replay(
            ID, hub.home, repaired=edited(path, lambda header, rows: (filling("XM", "王芳", "", "李强")(header, rows), _rekeyed(rows))[0])
        )
        hub.publish("population")
    return open_portal(hub)


def _rekeyed(rows: list[list[str]]) -> None:
    rows[2][0] = "health__other@1"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_waits_is_shown_by_rule_with_its_age(repaired: Portal, lang: str) -> None:
    page = repaired.client.get(f"/datasets/{ID}?lang={lang}").text
    words = {"zh": ("隔离的行，按规则", "更正"), "en": ("In quarantine, by rule", "repaired rows")}[lang]
    assert all(word in page for word in words)
    assert f"/datasets/{ID}/quarantine?rule=person_name:missing" in page
    waiting = repaired.client.get(f"/datasets/{ID}/quarantine?lang={lang}").text
    assert waiting.count('<td class="n" data-title') == 2
    assert f"/batches/{ID}@1" in waiting
    assert f"/batches/{ID}@2" in waiting
    assert not any(resident_id(n) in waiting for n in (50, 51, 52))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_batch_of_a_repair_says_where_its_rows_come_from(repaired: Portal, lang: str) -> None:
    page = repaired.client.get(f"/batches/{ID}@2?lang={lang}").text
    assert "back-rejected.xlsx" in page
    assert {"zh": "部门更正的行", "en": "Rows repaired by the department"}[lang] in page
    assert {"zh": "该行不属于", "en": "the row is not of dataset"}[lang] in page


def test_a_record_says_that_it_was_repaired(repaired: Portal) -> None:
    repaired.client.cookies.clear()  # no language remembered
    canonical_id = repaired.canonical_id("population", resident_id=resident_id(50))
    assert "部门更正件 back-rejected.xlsx，test 于" in repaired.client.get(f"/records/{canonical_id}").text
    answer = repaired.client.get(f"/api/v1/registries/population/records/{canonical_id}").json()
    assert answer["elements"]["person_name"]["repaired"]["file"] == "back-rejected.xlsx"
    other = repaired.canonical_id("population", resident_id=resident_id(1))
    assert "部门更正件" not in repaired.client.get(f"/records/{other}").text
