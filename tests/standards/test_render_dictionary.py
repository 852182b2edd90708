"""The data dictionary as its readers have it: every link leads somewhere, everything can be found, and nothing comes from a network."""

import html
import posixpath
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import get_args
from urllib.parse import quote, unquote

import pytest

from standards.loader import load_standards
from standards.model import (
    Classification,
    DataElement,
    Dimension,
    Fixer,
    Grade,
    Mask,
    Obligation,
    PersonalInformation,
    Representation,
    Severity,
    Sureness,
)
from standards.render.dictionary import to_dictionary
from standards.render.words import RENDER_TEXTS, Words
from standards.texts import STANDARD_TEXTS, load_texts

STANDARDS = load_standards()
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VOCABULARY = {
    "class": Classification,
    "dimension": Dimension,
    "grade": Grade,
    "fixer": Fixer,
    "mask": Mask,
    "obligation": Obligation,
    "personal": PersonalInformation,
    "representation": Representation,
    "severity": Severity,
    "sureness": Sureness,
}
every_element = pytest.mark.parametrize("element", STANDARDS.elements.values(), ids=lambda element: element.id)


@cache
def site() -> dict[str, str]:
    return to_dictionary(STANDARDS)


@cache
def anchors(path: str) -> frozenset[str]:
    return frozenset(html.unescape(name) for name in re.findall(r'\bid="([^"]*)"', site()[path]))


def pages() -> list[str]:
    return [path for path in site() if path.endswith(".html")]


@pytest.mark.long
def test_the_same_standard_gives_the_same_site() -> None:
    assert to_dictionary(STANDARDS) == site()


@pytest.mark.slow
def test_every_page_is_there_in_both_languages() -> None:
    chinese = {path for path in pages() if not path.startswith("en/")}
    assert {f"en/{path}" for path in chinese} == set(pages()) - chinese
    for folder, names in (("schemas", STANDARDS.schemas), ("elements", STANDARDS.elements), ("code-lists", STANDARDS.code_lists)):
        assert {f"{folder}/{name}.html" for name in names} <= chinese


def test_every_link_leads_somewhere() -> None:
    lost = set()
    for path in pages():
        for target in set(re.findall(r'\b(?:href|src|data-index)="([^"]*)"', site()[path])):
            file, _, anchor = html.unescape(target).partition("#")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(file))) if file else path
            if place not in site() or (anchor and unquote(anchor) not in anchors(place)):
                lost.add((path, target))
    assert lost == set()


def test_nothing_comes_from_elsewhere() -> None:
    """A style, a script or a font from a network would leave the site blank in a closed one."""
    for path, text in site().items():
        if path.endswith((".html", ".css")):
            assert not re.search(r"https?://|url\(|@import|\bfetch\(", text), path
        assert not re.search(r"<style|style=|<script>|\son[a-z]+=", text) or not path.endswith(".html"), path


@every_element
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_element_says_all_that_the_standard_says(element: DataElement, language: str) -> None:
    words = Words("zh" if language == "zh" else "en")
    text = html.unescape(site()[("" if language == "zh" else "en/") + f"elements/{element.id}.html"])
    for part in (
        *(element.title.zh, element.title.en, words.of(element.definition), element.source.standard),
        *(words.t(f"sureness.{element.source.sureness}"), words.t(f"class.{element.classification}"), words.t(f"grade.{element.grade}")),
        *(words.t(f"personal.{element.personal_information}"), words.mask(element)),
        *(words.of(element.help.authority), words.of(element.help.document), *element.aliases),
    ):
        assert part in text
    for schema in STANDARDS.schemas.values():
        linked = f'href="../schemas/{schema.id}.html"' in text.split("<main", 1)[1]
        assert linked == (schema.use(element.id) is not None)
    assert (f'href="../code-lists/{element.code_list}.html"' in text) == (element.code_list is not None)
    for rule in STANDARDS.cross_rules:
        assert (f'issues.html#{rule.id}"' in text) == (element.id in rule.needs)


def test_every_code_stands_on_a_page_of_its_list() -> None:
    for code_list in STANDARDS.code_lists.values():
        own = [path for path in pages() if re.fullmatch(rf"code-lists/{code_list.id}(-[0-9]+)?\.html", path)]
        shown = [row for path in own for row in re.findall(r'<tr id="(c[^"]*)"', site()[path])]
        assert len(shown) == len(set(shown)) == len(code_list.codes)
        assert max(len(re.findall("<tr id=", site()[path])) for path in own) <= 500


def test_the_search_knows_every_definition_and_code() -> None:
    index = site()["assets/search.js"]
    for definitions in (STANDARDS.schemas, STANDARDS.elements, STANDARDS.code_lists, STANDARDS.issue_types):
        assert all(f'"{name}"' in index for name in definitions)
    assert all(alias in index for element in STANDARDS.elements.values() for alias in element.aliases)
    assert all(f'["{code.code}","{code.title.zh}"' in index for code in STANDARDS.code_lists["division"].codes)


def test_every_text_has_both_languages_and_is_used() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in RENDER_TEXTS.parent.rglob("*") if path.suffix in (".py", ".html", ".js")
    )
    texts = load_texts(STANDARD_TEXTS, RENDER_TEXTS)
    for name, values in VOCABULARY.items():
        assert {f"{name}.{value}" for value in get_args(values)} <= texts.keys()
    families = tuple(f"{name}." for name in (*VOCABULARY, "column", "template.step", "form"))
    left_over = [key for key in load_texts(RENDER_TEXTS) if f'"{key}"' not in sources and f"'{key}'" not in sources]
    assert [key for key in left_over if not key.startswith(families)] == []


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium fonts-noto-cjk")
@pytest.mark.parametrize(
    ("asked", "place", "title"),
    [
        ("身份证号", "elements/resident_id.html", "公民身份号码"),
        ("sex_code", "elements/sex_code.html", "性别代码"),
        ("朝阳区", "code-lists/division.html#c110105", "北京市朝阳区"),
        ("wrong-check", "issues.html#wrong-check-character", "校验码错误"),
    ],
)
def test_a_browser_finds_what_is_asked_for_on_a_disk(asked: str, place: str, title: str, tmp_path: Path) -> None:
    for path, text in site().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=4000", "--dump-dom")
    command = [str(CHROMIUM), *flags, f"--user-data-dir={tmp_path / 'profile'}", f"{(tmp_path / 'index.html').as_uri()}?q={quote(asked)}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    first = re.search(r'id="found".*?<a href="([^"]*)"><small>[^<]*</small><span>([^<]*)</span>', shown.stdout, re.DOTALL)
    assert first is not None
    assert (posixpath.normpath(first[1]), first[2]) == (place, title)
    assert "CONSOLE" not in shown.stderr
