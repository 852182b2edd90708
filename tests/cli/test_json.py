"""`--json`: whatever goes wrong, standard output is one JSON document, and the exit status says whose turn it is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from cli.app import app
from core.errors import GateFailed, SourceError
from tests.cli.conftest import Command

# Runs until it is interrupted.
WITHOUT_JSON = {("up",)}


def commands(group: typer.Typer = app, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command by its words."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield (*before, command.name or command.callback.__name__.replace("_", "-"))
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, (*before, str(inner.name)))


COMMANDS = sorted(commands())
every_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
WRONG = [
    ["normalize", "--element", "no_such", "x"],
    ["normalize", "--csv", "/nowhere.csv"],
    ["standards", "show", "nothing"],
    ["standards", "diff", "9.9.9", "current"],
    ["standards", "diff", "nowhere", "current"],
    ["standards", "render", "papyrus"],
    ["standards", "render", "dictionary"],
    ["standards", "render", "excel"],
    ["propose", "nowhere.csv"],
    ["propose", "nowhere_db:t"],
    ["register", "/"],
    ["check", "/nowhere.yml"],
    ["sync", "none__none"],
    ["publish", "people"],
    ["replay-publication", "people", "1"],
    ["replay-publication", "population", "1"],
    ["receipt", "none@1"],
    ["quarantine", "none__none"],
    ["report", "none__none"],
    ["show", "population", "x"],
    ["show", "people", "x"],
    ["why", "population", "x"],
    ["bench", "nothing"],
    ["bench", "a.b"],
    ["bench", "pandas_values"],
    ["officers", "--add", "a:b"],
    ["officers", "--withdraw", "nobody"],
    ["no-such-command"],
    [],
]


@every_command
def test_every_command_can_answer_a_program(empty: Command, words: tuple[str, ...]) -> None:
    assert ("--json" in empty(*words, "--help").out) != (words in WITHOUT_JSON)


@every_command
def test_a_wrong_option_is_one_document(empty: Command, words: tuple[str, ...]) -> None:
    answer = empty(*words, "--no-such-option", "--json")
    assert (answer.status, answer.json["error"]) == (2, "UsageError")
    assert "--no-such-option" in answer.json["message"] or words in WITHOUT_JSON


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_request_is_one_document(empty: Command, arguments: list[str]) -> None:
    answer = empty(*arguments, "--json")
    assert answer.status == 2, answer
    assert answer.json if arguments[:1] == ["sync"] else answer.json["message"]


def test_a_batch_that_fails_has_its_place_in_the_document(empty: Command) -> None:
    answer = empty("sync", "none__one", "none__two", "--json")
    assert answer.status == 2
    assert [(item["contract_id"], item["error"]) for item in answer.json] == [("none__one", "RequestError"), ("none__two", "RequestError")]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SourceError("the source is asleep", transient=True), 3),
        (GateFailed("too few rows"), 1),
        (ValueError("x"), 70),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_happens_on_the_way_is_one_document(
    empty: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("pipeline.publish.publish", failing)
    answer = empty("publish", "population", "--json")
    assert (answer.status, answer.json["error"]) == (status, "Interrupted" if status == 130 else type(error).__name__)


def test_a_place_that_cannot_be_written_is_a_wrong_request(empty: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("姓名,性别\n张三,男\n", encoding="utf-8")
    answer = empty("propose", str(tmp_path / "t.csv"), "--out", str(tmp_path / "nowhere" / "draft.yml"), "--json")
    assert (answer.status, answer.json["error"]) == (2, "RequestError")
    assert "nowhere/draft.yml" in answer.json["message"]


def test_json_behind_two_dashes_is_a_value(empty: Command) -> None:
    assert empty("normalize", "-e", "person_name", "--", "--json").out.startswith("value")


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [("HUB_THREADS", "many", 2), ("HUB_MEMORY_MB", "0", 2), ("HUB_CATALOG_URL", "nonsense", 2), ("HUB_CATALOG_URL", "oracle://x", 2)],
)
def test_a_setting_that_cannot_be_used_is_named(
    empty: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, status: int
) -> None:
    monkeypatch.setenv(name, value)
    answer = empty("status", "--json")
    assert (answer.status, "HUB_" in answer.json["message"] + answer.json["hint"]) == (status, True)


def test_a_home_that_cannot_be_made_is_named(command_in: Callable[[Path], Command], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = command_in(tmp_path / "file" / "home")("status", "--json")
    assert (answer.status, "HUB_HOME" in answer.json["hint"]) == (2, True)
