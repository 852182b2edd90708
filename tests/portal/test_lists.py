"""Lists are sorted, chosen, paged and exported as their address says."""

import re

import pytest

from exchange.audit import record
from tests.conftest import both_databases
from tests.factories import ENTERPRISES, Hub, credit_code, organization
from tests.portal.conftest import Portal, open_portal, text_of


def test_rows_with_issues_are_sorted_as_the_address_says(filled: Portal) -> None:
    path = "/batches/public_security__resident@2/quarantine"
    listed = {
        sort: [row["position"] for row in filled.client.get(f"{path}?sort={sort}&format=json").json()] for sort in ("position", "-position")
    }
    assert listed["position"] == listed["-position"][::-1] == [4, 5]
    assert re.search(rf'href="{path}\?[^"]*sort=-position"', text_of(filled, path))


def test_the_audit_log_is_chosen_sorted_and_paged_by_its_address(filled: Portal) -> None:
    for number in range(120):
        record(filled.hub.home.audit, actor="pager", action="why", subject="certificate", purpose=f"page {number:03}")
    path = "/audit?actor=pager&sort=purpose"
    first, second = text_of(filled, path), text_of(filled, f"{path}&page=2")
    assert "page 000" in first
    assert "page 100" not in first
    assert "page 119" in second
    assert len(filled.client.get(f"{path}&format=json").json()) == 120
    assert "sort=-purpose" in first
    assert 'name="sort" value="purpose"' in first


@pytest.mark.parametrize(
    ("path", "column", "field"),
    [
        ("/datasets/public_security__resident", "read", "read"),
        ("/datasets/public_security__resident", "seq", "seq"),
        ("/registries/population", "entities", "entities"),
        ("/registries/legal_entity/entities", "organization_name", "organization_name"),
        ("/registries/legal_entity/entities", "established_date", "established_date"),
        ("/batches/public_security__resident@2/quarantine", "rules", "element"),
        ("/audit", "actor", "actor"),
    ],
)
def test_a_list_is_sorted_as_its_address_says(filled: Portal, path: str, column: str, field: str) -> None:
    up, down = ([row[field] for row in filled.client.get(f"{path}?sort={sign}{column}&format=json").json()] for sign in ("", "-"))
    assert len(up) > 0
    assert (up, down) == (sorted(up), sorted(up, reverse=True))
    assert f"sort=-{column}" in text_of(filled, f"{path}?sort={column}")
    assert 'aria-sort="ascending"' in text_of(filled, f"{path}?sort={column}")


def test_an_unknown_column_to_sort_by_is_ignored(filled: Portal) -> None:
    for sort in ("legal_representative_name", "_canonical_id; DROP TABLE base_legal_entity", "-"):
        assert filled.client.get("/registries/legal_entity/entities", params={"sort": sort}).status_code == 200


def test_lists_are_exported(filled: Portal) -> None:
    table = filled.client.get("/datasets?format=csv")
    assert table.content.startswith(b"\xef\xbb\xbfid,department")
    assert "attachment" in table.headers["content-disposition"]
    assert len(filled.client.get("/datasets?format=json").json()) == 7
    assert filled.client.get("/batches/public_security__resident@1?format=json&list=checks").json()[0]["evaluated"]


def test_a_formula_in_an_export_is_text(filled: Portal) -> None:
    from portal.export import _cell

    assert _cell("=1+1") == "'=1+1"
    assert _cell(-5) == "-5"
    assert _cell("北京") == "北京"


def test_a_title_is_a_column_for_each_language_in_a_csv_file(filled: Portal) -> None:
    header, first = filled.client.get("/standards/issues?format=csv").text.lstrip("\ufeff").splitlines()[:2]
    assert {"title_zh", "title_en"} <= set(header.split(","))
    assert "{" not in first


@both_databases
@pytest.mark.usefixtures("without_suite", "without_lake")
def test_what_is_searched_for_may_be_written_in_small_letters(any_hub: Hub) -> None:
    any_hub.register(ENTERPRISES)
    any_hub.sync(ENTERPRISES, [organization(number) for number in range(3)])
    any_hub.publish("legal_entity")
    code = credit_code(1)
    for text in (code, code.lower()):
        rows = open_portal(any_hub).client.get("/registries/legal_entity/entities", params={"q": text, "format": "json"}).json()
        assert [row["unified_social_credit_code"] for row in rows] == [code]
