"""The data dictionary as a small static site, in Chinese at its root and in English under `en/`, with a search that needs no server.

One page per schema, element and code list; a long list goes over several pages. Everything that has an id links to its page, addresses are
relative, and nothing is fetched, so a folder on a disk is enough to read it.
"""

import posixpath
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from core.style import BASE_STYLE, FRAME_STYLE
from standards.model import Standards
from standards.render.dictionary_pages import CODES_PER_PAGE, Kind, Page, address, anchor, pages
from standards.render.search_index import to_search_index
from standards.render.words import Words
from standards.texts import LANGUAGES, Language

SITE = Path(__file__).with_name("site")


def to_dictionary(standards: Standards) -> dict[str, str]:
    """Every file of the site, by its path."""
    files = {
        "assets/dictionary.css": "".join(path.read_text(encoding="utf-8") for path in (BASE_STYLE, FRAME_STYLE, SITE / "dictionary.css")),
        "assets/dictionary.js": (SITE / "dictionary.js").read_text(encoding="utf-8"),
        "assets/search.js": to_search_index(standards, address, CODES_PER_PAGE),
    }
    for language in LANGUAGES:
        files |= {_Place(page.path, language).own: _rendered(page, standards, language) for page in pages(standards)}
    return files


@dataclass(frozen=True)
class _Place:
    """Where a page stands, and how the others are reached from there."""

    path: str
    language: Language

    @property
    def own(self) -> str:
        return self._root + self.path

    @property
    def other(self) -> str:
        """The same page in the other language."""
        return self._relative(self.path if self._root else f"en/{self.path}")

    @property
    def _root(self) -> str:
        return "" if self.language == "zh" else "en/"

    def _relative(self, target: str) -> str:
        return posixpath.relpath(target, posixpath.dirname(self.own) or ".")

    def link(self, kind: Kind, name: str, page: int = 1) -> str:
        """The page of a definition."""
        return self.home(address(kind, name, page))

    def home(self, path: str = "index.html") -> str:
        """A page of this language by its path."""
        return self._relative(self._root + path)

    def asset(self, name: str) -> str:
        """A style sheet or script."""
        return self._relative(f"assets/{name}")


def _rendered(page: Page, standards: Standards, language: Language) -> str:
    words, place = Words(language), _Place(page.path, language)
    text: str = (
        _environment()
        .get_template(page.template)
        .render(
            **page.values,
            standards=standards,
            schemas=standards.registries,
            words=words,
            t=words.t,
            lang=language,
            path=page.path,
            other=place.other,
            link=place.link,
            home=place.home,
            asset=place.asset,
            anchor=anchor,
        )
    )
    return text


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(SITE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["grouped"] = lambda number: f"{number:,}"
    return environment
