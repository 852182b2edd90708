"""What every page needs: the installation, the language, and a way to render."""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from catalog.officers import officer_by
from core.errors import RequestError
from core.style import BASE_STYLE, FRAME_STYLE
from pipeline.home import Home
from portal.security import is_session, owner, proof_of
from quality.charts import share_text
from quality.report import TEMPLATES as SHARED_TEMPLATES
from quality.report import chart_filters, chart_globals
from quality.texts import REPORT_TEXTS, sentence
from standards.loader import load_standards
from standards.model import CodeTitle, Schema, Standards, Title
from standards.texts import LANGUAGES, STANDARD_TEXTS, Language, Translate, load_texts, make_translate, registry_texts

FOLDER = Path(__file__).parent
MESSAGES = FOLDER / "messages.yml"
STATIC = {
    "base.css": (BASE_STYLE, "text/css"),
    "frame.css": (FRAME_STYLE, "text/css"),
    "portal.css": (FOLDER / "static" / "portal.css", "text/css"),
    "portal.js": (FOLDER / "static" / "portal.js", "text/javascript"),
}
LARGEST_NUMBER = 2**53 - 1  # every program that reads JSON has whole numbers up to here exactly, and every database holds them
EXPORTED = 20_000  # most lines of a list that an export holds
LANGUAGE_COOKIE = "hub_language"
API = "/api/"
_LANGUAGE_RANGE = re.compile(r"(?P<language>[A-Za-z]{1,8})(-[A-Za-z0-9]{1,8})*(\s*;\s*q=(?P<weight>[01](\.[0-9]{0,3})?))?")
T = TypeVar("T")


@dataclass(frozen=True)
class Hub:
    """The installation behind the portal, and who asks."""

    home: Home
    token: str
    actor: str = ""  # as the audit log and judgements name whoever asks

    def actor_of(self, session: str) -> str | None:
        """Who holds a session; None where it is nobody's."""
        if is_session(session, self.token):
            return owner(self.home.settings)
        name = officer_by(self.home.catalog, proof_of(session))
        return None if name is None else f"officer:{name}"

    @property
    def standards(self) -> Standards:
        """The standard in force."""
        return load_standards()

    @property
    def schemas(self) -> list[Schema]:
        """The base registries, in the order in which people speak of them."""
        return list(self.standards.registries)

    @property
    def name(self) -> str:
        """Who is signed in, for their own page."""
        return self.actor.partition(":")[2]


def get_hub(request: Request) -> Hub:
    """The installation that this application serves, as whoever is signed in has it."""
    hub: Hub = request.app.state.hub
    return replace(hub, actor=request.scope["hub.actor"])


HubDep = Annotated[Hub, Depends(get_hub)]


@dataclass(frozen=True)
class Sorting:
    """How a list is ordered, and the query parameter that says so."""

    parameter: str
    column: str
    descending: bool

    @property
    def value(self) -> str:
        """What the address says."""
        return f"-{self.column}" if self.descending else self.column


@dataclass(frozen=True)
class Slice:
    """The part of a list that a page shows: from `offset` on at most `limit`. An export takes more, from the beginning."""

    number: int
    limit: int
    offset: int

    def pages(self, total: int) -> int:
        """How many pages the list fills."""
        return -(-total // self.limit)


class Page:
    """One request for a page, in one language."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.hub = get_hub(request)
        self.lang = language_of(request)
        self.texts = load_texts(STANDARD_TEXTS, REPORT_TEXTS, MESSAGES) | registry_texts(self.hub.standards)
        self.t: Translate = make_translate(self.texts, self.lang)

    def words(self, title: Title | CodeTitle | None) -> str:
        """A title in the page's language; Chinese where there is no English one."""
        return "" if title is None else (getattr(title, self.lang) or title.zh)

    def told(self, family: str, name: str) -> str:
        """The words for a name of a family of texts; what a later or earlier program has written goes by its name."""
        key = f"{family}.{name}"
        return self.t(key) if key in self.texts else name

    def message(self, text: str, about: str = "") -> str:
        """A message of the hub as a sentence of this page, without the id of what the page says it is about."""
        told = sentence(text.removeprefix(f"{about}: "), self.lang)
        if self.lang == "zh":
            # Among Chinese words a registry goes by its name; in a command, behind a Latin word, by its id.
            for schema in self.hub.schemas:
                told = re.sub(rf"(?<![A-Za-z] )\b{schema.id} (?=[\u3400-\u9fff])", schema.title.zh, told)
        first = told.split(" ", 1)[0]
        return told[:1].upper() + told[1:] if first.isalpha() and first.islower() else told

    def is_in(self, section: str) -> bool:
        """Whether this page belongs to a section: batches to the datasets, records to the registries."""
        path = self.request.url.path
        return any(path.startswith(start) for start in (section, *BELONGING.get(section, ())))

    def path_with(self, **changes: object) -> str:
        """The address of this page with some query parameters changed; None removes one."""
        query: dict[str, object] = {**self.request.query_params, **changes}
        kept = {name: value for name, value in query.items() if value not in (None, "") and name != "token"}
        return self.request.url.path + (f"?{urlencode(kept)}" if kept else "")

    @property
    def is_export(self) -> bool:
        """Whether a file is asked for rather than a page."""
        return self.request.query_params.get("format") in ("csv", "json")

    def number(self, name: str, default: int = 1) -> int:
        """A whole number from the query, at least 1; anything else is the default."""
        text = self.request.query_params.get(name, "")
        return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 10 else default

    def part(self, size: int) -> Slice:
        """Which part of a list the address asks for. Raises RequestError where it is the number of no page."""
        number = 1 if self.is_export else self._page_number()
        return Slice(number, EXPORTED + 1 if self.is_export else size, (number - 1) * size)

    def _page_number(self) -> int:
        text = self.request.query_params.get("page") or "1"
        first = text[:10]  # no list has as many pages, and further digits are not worth reading
        if not (text.isascii() and text.isdigit() and int(first)):
            raise RequestError(self.t("page.unknown"), hint=self.t("page.unknown.next"))
        return int(first)

    def sort(
        self, rows: Iterable[T], keys: Mapping[str, Callable[[T], Any]], default: str, parameter: str = "sort"
    ) -> tuple[list[T], Sorting]:
        """Order rows by the column that the query names; rows without a value come last."""
        sorting = self.sorting(keys, default, parameter)
        key = keys[sorting.column]
        listed = list(rows)
        having = [row for row in listed if key(row) is not None]
        having.sort(key=key, reverse=sorting.descending)
        return [*having, *(row for row in listed if key(row) is None)], sorting

    def sorting(self, columns: Container[str], default: str, parameter: str = "sort") -> Sorting:
        """The column that the query names (`-column` for descending), where it is one to sort by."""
        asked = self.request.query_params.get(parameter) or default
        chosen = asked if asked.removeprefix("-") in columns else default
        return Sorting(parameter, chosen.removeprefix("-"), chosen.startswith("-"))

    def render(self, template: str, status: int = 200, **data: object) -> HTMLResponse:
        """Render a template. A language chosen in the address is remembered."""
        shared = {"page": self, "t": self.t, "lang": self.lang, "words": self.words, "path": self.request.url.path}
        response = HTMLResponse(_environment().get_template(template).render(**shared, **data), status)
        if self.request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(LANGUAGE_COOKIE, self.lang, max_age=31_536_000, httponly=True, samesite="strict")
        return response


PageDep = Annotated[Page, Depends(Page)]


def language_of(request: Request) -> Language:
    """The language asked for in the address, else the remembered one, else, for a program, the one that it accepts; else Chinese.

    A person has a switch on every page, and a browser that is set to English says nothing of who sits at it.
    """
    accepted = _accepted(request.headers.get("accept-language", "")) if request.url.path.startswith(API) else []
    for asked in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE), *accepted):
        for known in LANGUAGES:
            if asked == known:
                return known
    return "zh"


def _accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header (RFC 9110, 12.5.4) without their regions, the preferred ones first."""
    found = [match for part in header.split(",") if (match := _LANGUAGE_RANGE.fullmatch(part.strip()))]
    weighed = [(float(match["weight"] or 1), match["language"].lower()) for match in found]
    return [language for weight, language in sorted(weighed, key=lambda item: -item[0]) if weight]


def link(kind: str, name: str, *more: str) -> str:
    """The address of a thing by its kind and id. The record as a whole and its key lead to the rules about records."""
    if kind == "element" and name.startswith("_"):
        return "/standards/issues"
    if kind == "issue":
        return f"/standards/issues#{quote(name)}"
    if kind == "department":
        return f"/datasets?{urlencode({'department': name})}"
    return "/".join([PLACES[kind], *(quote(part, safe="@") for part in (name, *more))])


SECTIONS = (
    ("/datasets", "datasets"),
    ("/registries", "registries"),
    ("/standards", "standards"),
    ("/operations", "operations"),
    ("/audit", "audit"),
)
BELONGING = {"/datasets": ("/batches",), "/registries": ("/records",)}
PLACES = {
    "dataset": "/datasets",
    "batch": "/batches",
    "registry": "/registries",
    "element": "/standards/elements",
    "code_list": "/standards/code-lists",
    "record": "/records",
}


@cache
def static_address(name: str) -> str:
    """The address of a static file, which changes with its content."""
    return f"/static/{name}?v={sha256(STATIC[name][0].read_bytes()).hexdigest()[:12]}"


@cache
def _environment() -> jinja2.Environment:
    folders: Sequence[Path] = (FOLDER / "templates", SHARED_TEMPLATES)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= chart_globals() | {"places": SECTIONS, "share": share_text, "link": link, "static": static_address}
    environment.filters |= chart_filters()
    return environment
