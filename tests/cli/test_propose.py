"""`./hub propose`: a draft on standard output or in a file that is never overwritten, or one JSON document."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from core.errors import RequestError
from tests.factories import person, to_csv


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    rows = [person(number) for number in range(60)]
    (tmp_path / "residents.csv").write_text(to_csv(rows, list(rows[0])), encoding="utf-8")
    return tmp_path / "residents.csv"


def test_the_draft_goes_to_a_file_that_is_not_overwritten(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.yml"
    arguments = ["propose", str(table), "--department", "public_security", "--out", str(out)]
    first = CliRunner().invoke(app, arguments)
    assert (first.exit_code, "60 rows" in first.stdout) == (0, True)
    assert out.read_text(encoding="utf-8").splitlines()[0].startswith("# A draft")
    again = CliRunner().invoke(app, arguments)
    assert isinstance(again.exception, RequestError)


def test_a_program_gets_one_document(table: Path) -> None:
    found = json.loads(CliRunner().invoke(app, ["propose", str(table), "--json"]).stdout)
    by_name = {column["column"]: column for column in found["columns"]}
    assert (found["rows"], found["feeds"], found["still_missing"]) == (60, ["population"], [])
    assert by_name["SFZH"]["mapped"] == ["resident_id"]
    assert by_name["SFZH"]["candidates"][0]["score"] > 0.8
    assert by_name["SFZH"]["personal_information"] == "sensitive"


def test_an_unknown_registry_is_refused(table: Path) -> None:
    assert isinstance(CliRunner().invoke(app, ["propose", str(table), "--registry", "vehicles"]).exception, RequestError)


def test_a_draft_that_is_no_contract_yet_ends_with_1_and_is_no_error(table: Path, tmp_path: Path) -> None:
    (tmp_path / "fruit.csv").write_text("kind,origin\napple,Shandong\npear,Hebei\n", encoding="utf-8")
    found = CliRunner().invoke(app, ["propose", str(tmp_path / "fruit.csv")])
    assert (found.exit_code, found.stdout.splitlines()[0].startswith("# NOT A CONTRACT YET: of 2 columns none ")) == (1, True)
    assert found.stderr == "hub: a draft, and not a contract yet; its first lines say what to do\n"
    document = json.loads(CliRunner().invoke(app, ["propose", str(tmp_path / "fruit.csv"), "--json"]).stdout)
    assert (document["is_loadable"], bool(document["still_missing"])) == (False, True)


def test_an_id_that_no_department_can_have_is_refused(table: Path) -> None:
    assert isinstance(CliRunner().invoke(app, ["propose", str(table), "--department", "a b"]).exception, RequestError)
