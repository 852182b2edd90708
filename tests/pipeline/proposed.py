"""Changes of the standard that are proposed, and a hub with rows that each of them concerns."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.keys import CANONICAL_KEY, RECORD_KEY
from core.settings import Settings
from pipeline.accept import accept
from pipeline.home import open_home
from pipeline.impact.trial import trying
from pipeline.land import land
from pipeline.validate import count_issues
from standards.loader import load_standards, read_standards
from standards.model import Standards
from tests.factories import PATIENTS, RESIDENTS, Hub, Row, hub_in, person, resident_id, wrong_check
from tests.standards.proposals import copied, edited, released

INSTALLED = load_standards()
DATASETS = (RESIDENTS["id"], PATIENTS["id"])
PEOPLE = 240
ELEMENTS = [element.id for element in INSTALLED.schemas["population"].elements]


def residents() -> Iterator[Row]:
    for number in range(PEOPLE):
        row = person(number)
        if number % 11 == 0:
            row["SFZH"] = wrong_check(resident_id(number))
        if number % 7 == 0:
            row["XB"] = "甲型"
        if number % 9 == 1:
            row["XB"] = ""
        if number % 4 < 2:
            row["DH"] = f"139{number:08}"
        if number % 13 == 0:
            row["XM"] = "欧阳" + row["XM"]
        yield row


def patients() -> list[Row]:
    return [person(number, DH=f"137{number:08}", GXSJ="2024-02-02") for number in range(0, PEOPLE, 2)]


def _uses(element: str, **changed: Any) -> Callable[[Any], None]:
    def edit(body: Any) -> None:
        next(use for use in body["uses"] if use["element"] == element).update(changed)

    return edit


def _severity(issue: str, severity: str) -> Callable[[Any], None]:
    def edit(body: Any) -> None:
        next(item for item in body["items"] if item["id"] == issue)["severity"] = severity

    return edit


def give_up_addresses(body: Any) -> None:
    body["uses"] = [use for use in body["uses"] if use["element"] != "residence_address"]


def _without(code: str) -> Callable[[Any], None]:
    def edit(lines: Any) -> None:
        lines[:] = [line.replace(code, "110102") for line in lines if not line.startswith(f"{code},")]

    return edit


Edit = tuple[str, Callable[[Any], None]]
# What is proposed, and which counts of the prediction must not be zero, so that the comparison compares something.
PROPOSALS: dict[str, tuple[list[Edit], set[str]]] = {
    "shorter names": ([("data_elements/person_name.yml", lambda body: body.update(max_length=2))], {"stopped"}),
    "wrong check characters pass": ([("issue_types.yml", _severity("wrong-check-character", "warning"))], {"released", "appeared"}),
    "another spelling": ([("code_lists/sex.yml", lambda body: body["fixes"].update({"甲型": "1"}))], {"values", "changed"}),
    "phones of one network": (
        [("data_elements/phone_number.yml", lambda body: body.update(pattern="^13[78][0-9]{8}$"))],
        {"values", "changed"},
    ),
    "numbers that are withheld": (
        [
            ("schemas/population.yml", _uses("resident_id", critical=False)),
            ("data_elements/resident_id.yml", lambda body: body.update(pattern="^[0-9]{16}[0-8][0-9X]$")),
        ],
        {"values", "vanished", "released"},
    ),
    "a county that there never was": ([("code_lists/division.csv", _without("110101"))], {"stopped"}),
    "sex is asked for": ([("schemas/population.yml", _uses("sex_code", required=True))], {"stopped"}),
}


@dataclass(frozen=True)
class State:
    """What a hub knows: quarantined positions and records by dataset, base rows by canonical id."""

    quarantined: dict[str, set[int]]
    records: dict[str, dict[str, dict[str, Any]]]
    base: dict[str, dict[str, Any]]


def state_of(hub: Hub) -> State:
    documents = (RESIDENTS, PATIENTS)
    return State(
        {document["id"]: set(hub.quarantine(document)) for document in documents},
        {document["id"]: {str(row["_record_id"]): row for row in hub.state(document)} for document in documents},
        {row["_canonical_id"]: row for row in hub.served("base_population")},
    )


def fill(hub: Hub) -> None:
    hub.register(RESIDENTS, PATIENTS)
    hub.deliver(RESIDENTS, list(residents()))
    hub.deliver(PATIENTS, patients())
    collect(hub.settings)


def collect(settings: Settings) -> None:
    """Every dataset once more, in full, and a publication; run in a process where a proposal stands in for the installed standard."""
    import pipeline.accept
    from pipeline.publish import publish

    home = open_home(settings)
    own = pipeline.accept.validate
    pipeline.accept.validate = lambda engine, plan, standards: ([], count_issues(engine, plan, standards))
    try:
        for name in DATASETS:
            accept(land(name, home), home, full=True)
        publish("population", home)
    finally:
        pipeline.accept.validate = own


def adopt(hub: Hub, proposal: Standards) -> None:
    with trying(proposal) as process:
        process.submit(collect, hub.settings).result()


def with_known_keys(folder: Path) -> Hub:
    """A hub whose ids, and so whose samples, are the same in every run."""
    keys = folder / "keys"
    keys.mkdir(parents=True, mode=0o700)
    for number, name in enumerate((RECORD_KEY, CANONICAL_KEY)):
        (keys / name).write_text(f"{number:064x}")
    return hub_in(folder)


def proposed(folder: Path, edits: list[Edit]) -> Standards:
    copy = released(copied(folder), "77.0")
    for file, edit in edits:
        edited(copy, file, edit)
    return read_standards(copy)
