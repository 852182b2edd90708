"""Words that are no names: each is refused alone or beside a name, and the cheap test leaves it to the one that knows."""

import pytest

from standards.loader import load_standards
from standards.not_names import _values, _words
from standards.single import normalize_values
from tests.standards.test_sure import sure_ones

pytestmark = pytest.mark.slow

STANDARDS = load_standards()
PERSON, ORGANIZATION = _words("person"), _words("organization")


def refused(element: str, texts: list[str]) -> list[str]:
    answers = normalize_values(STANDARDS, element, texts)
    return [text for text, answer in zip(texts, answers, strict=True) if answer.status == "rejected"]


def persons() -> list[str]:
    behind = [f"王样例{word}" for group in ("titles", "remarks") for word in PERSON[group]]
    front = [f"{word}王样例" for word in PERSON["titles"]]
    short = [*(f"王{word}" for word in PERSON["short_titles"]), *(f"{word}王" for word in PERSON["familiar"])]
    places = [f"样例{word}" for word in PERSON["places"]]
    return [*behind, *front, *short, *places, *PERSON["whole"], *sorted(_values(tuple(PERSON["lists"])))]


def organizations() -> list[str]:
    behind = [f"样例有限公司{word}" for word in (*ORGANIZATION["remarks"], *ORGANIZATION["followed"])]
    inside = [f"样例有限公司（{word}）" for word in (*ORGANIZATION["remarks"], *ORGANIZATION["bracketed"])]
    openings = [f"样例有限公司（{word}示例公司）" for word in ORGANIZATION["openings"]]
    return [*behind, *inside, *openings, *ORGANIZATION["whole"], *(f"样例{word}公司" for word in ORGANIZATION["parts"])]


def test_what_is_no_name_of_a_person_is_refused() -> None:
    texts = persons()
    assert set(texts) - set(refused("person_name", texts)) == set()


def test_what_is_no_name_of_an_organization_is_refused() -> None:
    texts = organizations()
    assert set(texts) - set(refused("organization_name", texts)) == set()


@pytest.mark.parametrize(
    ("name", "texts"), [("person_name", persons()), ("organization_name", organizations())], ids=["person", "organization"]
)
def test_the_cheap_test_knows_the_words(name: str, texts: list[str]) -> None:
    """Whoever adds a word chooses a character of it that is rare in names for the lists of the value type."""
    assert sure_ones(STANDARDS.elements[name], texts) == []


@pytest.mark.parametrize("text", ["张样例", "欧阳样例", "高样", "马样里", "王样生", "库尔班·样例", "Maria Sample"])
def test_names_of_persons_are_kept(text: str) -> None:
    assert refused("person_name", [text]) == []


@pytest.mark.parametrize(
    "text",
    [
        "样例（北京）有限公司",
        "样例有限公司和平分公司",
        "样例有限公司（分公司）",
        "样例中心（有限合伙）",
        "《样例》杂志社",
        "360样例有限公司",
        "样例村第一、第二村民小组",
    ],
)
def test_names_of_organizations_are_kept(text: str) -> None:
    assert refused("organization_name", [text]) == []
