"""Every text has both languages, every text that is asked for exists, and none is left over."""

import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from portal.context import FOLDER, MESSAGES, SHARED_TEMPLATES
from portal.datasets import CYCLES, STATES
from quality.report_data import DIMENSIONS
from quality.texts import REPORT_TEXTS, load_texts
from standards.value_types import Kind

TEXTS = load_texts(REPORT_TEXTS, MESSAGES)
SOURCES = "\n".join(
    path.read_text() for folder in (FOLDER, SHARED_TEMPLATES) for path in sorted(folder.rglob("*")) if path.suffix in (".html", ".py")
)


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_something_with_the_same_values(key: str) -> None:
    text = TEXTS[key]
    fields = [{name for _, name, _, _ in string.Formatter().parse(words) if name} for words in (text.zh, text.en)]
    assert fields[0] == fields[1] and not re.search(r"[一-鿿]", text.en)


def test_every_text_that_is_asked_for_exists() -> None:
    asked = set(re.findall(r"""\bt\(\s*["']([a-z_.]+)["']\s*[,)]""", SOURCES))
    assert len(asked) > 100 and not asked - TEXTS.keys()


def test_no_text_is_left_over() -> None:
    asked = set(re.findall(r"""["']([a-z_.]+)["']""", SOURCES))
    families = tuple(re.findall(r"""["']([a-z_.]+\.)["'] ~""", SOURCES)) + ("error.", "nav.", "element.", "attention.", "action.")
    assert not [key for key in TEXTS if key not in asked and not key.startswith(families)]


@pytest.mark.parametrize(
    "key",
    [
        *(f"state.{name}" for name in STATES),
        *(f"cycle.{name}" for name in (*CYCLES, "irregular")),
        *(f"dimension.{name}" for name in DIMENSIONS),
        *(f"kind.{name}" for name in Kind.__args__),
        *(f"attention.{name}.next" for name in STATES[:6]),
    ],
)
def test_every_word_that_is_made_up_at_run_time_exists(key: str) -> None:
    assert key in TEXTS


def test_the_portal_loads_no_heavy_library() -> None:
    heavy = ("pandas", "pyiceberg", "great_expectations", "airflow", "ibis", "splink")
    code = f"import sys, portal.app, portal.serve, pipeline.why; print(*[name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(FOLDER).parent)
    assert found.stdout.split() == []
