"""A standard with faults: each is reported by file and key, all of them at once, and nothing is loaded."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import DefinitionError
from standards import cross_rules
from standards.expressions import expressions
from standards.loader import load_standards, read_standards
from standards.value_types import NEEDED_LISTS
from tests.standards.fault_kinds import (
    KINDS,
    Kind,
)
from tests.standards.proposals import copied


def faults_of(root: Path) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read_standards(root)
    assert all(str(fault) in str(caught.value) for fault in caught.value.faults)
    return [str(fault).removeprefix("standards/") for fault in caught.value.faults]


def is_said(text: str, fault: str) -> bool:
    return bool(re.match(text.removeprefix("REGEX "), fault)) if text.startswith("REGEX ") else fault.startswith(text)


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy of the standard with every kind of fault."""
    root = copied(tmp_path_factory.mktemp("spoiled"))
    for kind in KINDS:
        kind.spoil(root)
    return root


@pytest.fixture(scope="module")
def reported(spoiled: Path) -> list[str]:
    return faults_of(spoiled)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_fault_is_reported_with_all_others(kind: Kind, reported: list[str]) -> None:
    assert [text for text in kind.said if not any(is_said(text, fault) for fault in reported)] == []


def test_nothing_is_reported_that_is_not_wrong(reported: list[str]) -> None:
    said = [text for kind in KINDS for text in kind.said]
    assert [fault for fault in reported if not any(is_said(text, fault) for text in said)] == []


@pytest.mark.parametrize("folder", ["data_elements", "code_lists", "schemas"])
def test_a_folder_that_is_not_there_is_reported_with_all_others(folder: str, spoiled: Path, reported: list[str], tmp_path: Path) -> None:
    root = shutil.copytree(spoiled, tmp_path / "copy")
    shutil.rmtree(root / folder)
    found = faults_of(root)
    missing = [f"{folder}: the folder is missing, or holds no definition (*.yml)"]
    assert [fault for fault in found if fault not in reported] == missing
    # What names something in it cannot be judged; everything else is.
    assert {
        fault
        for fault in reported
        if not re.search(f"^{folder}|no such|no element|an element of|codes|category|with dates|is no date", fault)
    } <= set(found)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["issue_types.yml", "cross_rules.yml", "version.yml", "schemas/legal_entity.yml"])
def test_a_file_that_is_not_there_is_the_one_fault(file: str, tmp_path: Path) -> None:
    root = copied(tmp_path)
    (root / file).unlink()
    assert [fault for fault in faults_of(root) if "no such schema: legal_entity" not in fault] == [f"{file}: the file is missing"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NEEDED_LISTS)
def test_a_list_that_is_looked_things_up_in_is_missed(name: str, tmp_path: Path) -> None:
    root = copied(tmp_path)
    for ending in ("yml", "csv"):
        (root / f"code_lists/{name}.{ending}").unlink()
    assert any(fault.startswith(f"code_lists/{name}.yml: the file is missing: ") for fault in faults_of(root))


def test_lists_that_code_names_are_those_that_are_missed() -> None:
    folder = Path(cross_rules.__file__).parent
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py")]
    assert {name for text in texts for name in re.findall(r'\.code_lists\["(\w+)"\]', text)} == set(NEEDED_LISTS)


def test_expressions_are_those_of_the_module() -> None:
    known = cross_rules.EXPRESSIONS | cross_rules.OF_LISTS
    assert expressions() == {
        name: tuple(value for value in function.__annotations__ if value not in ("code_list", "return")) for name, function in known.items()
    }


def test_a_copy_without_faults_is_loaded_as_the_original(tmp_path: Path) -> None:
    root = copied(tmp_path)
    (root / "code_lists" / ".notes.txt").write_text("hidden files are nobody's definitions", encoding="utf-8")
    sex = root / "code_lists/sex.csv"
    sex.write_bytes(b"\xef\xbb\xbf" + sex.read_bytes())
    assert load_standards(root) == load_standards()


def test_a_definition_with_a_fault_is_not_missed_where_it_is_named(tmp_path: Path) -> None:
    """What names a faulty definition is not at fault itself."""
    root = copied(tmp_path)
    (root / "code_lists/sex.yml").write_text("[", encoding="utf-8")
    (root / "data_elements/person_name.yml").write_text("[", encoding="utf-8")
    first = root / "issue_types.yml"
    first.write_text(first.read_text(encoding="utf-8").replace("severity:", "severity: bad #", 1), encoding="utf-8")
    assert [fault.split(": ")[0] for fault in faults_of(root)] == ["code_lists/sex.yml", "data_elements/person_name.yml", "issue_types.yml"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with few divisions and industries, which take most of the time of a reading."""
    root = copied(tmp_path_factory.mktemp("small"))
    for name in ("division", "division_alternative", "industry"):
        path = root / f"code_lists/{name}.csv"
        path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:40]), encoding="utf-8")
    return root


DAMAGES = ["", "x", "1", "0", "[]", "{}", "[[]]", "{a: [1]}", "null", "true", "'   '", "2024-99-99", "1e400", "[{}]", "{[]: 1}", "&a [*a]"]


@pytest.mark.slow
@given(place=st.integers(0, 10**6), damage=st.sampled_from(DAMAGES), cut=st.integers(0, 12))
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_a_damaged_file_is_a_fault_and_never_a_crash(small: Path, place: int, damage: str, cut: int) -> None:
    """The value of any key of any file becomes another kind of thing, or a row of any table loses its end."""
    files = sorted(path for path in small.rglob("*.*"))
    path = files[place % len(files)]
    before = path.read_text(encoding="utf-8")
    lines = before.splitlines()
    number = place // len(files) % len(lines)
    head, colon, _ = lines[number].partition(": ")
    lines[number] = f"{head}{colon}{damage}" if path.suffix == ".yml" else lines[number][:cut]
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        read_standards(small)
    except DefinitionError:
        pass
    finally:
        path.write_text(before, encoding="utf-8")
