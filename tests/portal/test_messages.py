"""Every text has both languages, every text that is asked for exists, and none is left over."""

import re
import string
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from contracts.cycles import load_cycles
from core.style import BASE_STYLE
from exchange.audit import ACTIONS
from pipeline.operation.datasets import STATES
from portal.context import FOLDER, MESSAGES
from quality.report import TEMPLATES
from quality.report_data import DIMENSIONS
from quality.texts import REPORT_TEXTS, sentence
from standards.texts import STANDARD_TEXTS, load_texts, make_translate
from standards.value_types import Kind
from tests.portal.conftest import Portal

TEXTS = load_texts(STANDARD_TEXTS, REPORT_TEXTS, MESSAGES)
SOURCES = "\n".join(
    path.read_text() for folder in (FOLDER, TEMPLATES) for path in sorted(folder.rglob("*")) if path.suffix in (".html", ".py")
)


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_something_with_the_same_values(key: str) -> None:
    text = TEXTS[key]
    # A word chosen by a number (`{count:row|rows}`) is a matter of English.
    fields = [
        {name for _, name, form, _ in string.Formatter().parse(words) if name and "|" not in (form or "")} for words in (text.zh, text.en)
    ]
    assert fields[0] == fields[1]
    assert not re.search(r"[一-鿿]", text.en)


def test_every_text_that_is_asked_for_exists() -> None:
    asked = set(re.findall(r"""\bt\(\s*["']([a-z_.]+)["']\s*[,)]""", SOURCES))
    assert len(asked) > 100
    assert not asked - TEXTS.keys()


def test_no_text_is_left_over() -> None:
    asked = set(re.findall(r"""["']([a-z_.]+)["']""", SOURCES))
    families = (
        *tuple(re.findall(r"""["']([a-z_.]+\.)["'] ~""", SOURCES)),
        "error.",
        "nav.",
        "element.",
        "attention.",
        "action.",
        "step.",
        "weekday.",
        "span.",
    )
    assert not [key for key in TEXTS if key not in asked and not key.startswith(families)]


@pytest.mark.parametrize(
    "key",
    [
        *(f"state.{name}" for name in STATES),
        *(f"cycle.{name}" for name in (*load_cycles(), "irregular")),
        *(f"dimension.{name}" for name in DIMENSIONS),
        *(f"kind.{name}" for name in get_args(Kind)),
        *(f"action.{name}" for name in ACTIONS),
        *(f"attention.{name}.next" for name in STATES[:6]),
    ],
)
def test_every_word_that_is_made_up_at_run_time_exists(key: str) -> None:
    assert key in TEXTS


@pytest.mark.parametrize(("count", "words"), [(1, "1 dataset needs attention"), ("1,204", "1,204 datasets need attention")])
def test_a_number_chooses_its_word(count: object, words: str) -> None:
    assert make_translate(TEXTS, "en")("overview.attention", count=count) == words
    assert make_translate(TEXTS, "zh")("overview.attention", count=count) == f"{count} 个数据集需要处理"


def test_english_texts_agree_with_their_number() -> None:
    """A number before a noun in the plural reads wrong for one: such a noun is a choice."""
    lone = [
        (key, found) for key, text in TEXTS.items() if (found := re.findall(r"(?<!of )\{\w+\} (?:more )?(?:\w+ )?\w+s\b(?!:)", text.en))
    ]
    assert lone == []


def test_the_portal_loads_no_heavy_library() -> None:
    heavy = ("pandas", "pyiceberg", "great_expectations", "airflow", "ibis", "splink")
    code = f"import sys, portal.app, portal.serve, pipeline.answers.why; print(*[name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(FOLDER).parent)
    assert found.stdout.split() == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "batch tax__payer@2 stopped: 3 rows arrived, the contract asks for at least 100; 5 of 9 records disappeared (56%, limit 20%)",
            "批次 tax__payer@2 被拦截：到达 3 行，数据契约要求至少 100 行; 9 条记录中有 5 条消失（56%，上限 20%）",
        ),
        ("tax__payer: there is no file tax.db (connection tax_db)", "tax__payer：文件 tax.db 不存在（连接 tax_db）"),
        ("2 rows: the row has 3 values, the header 4", "2 行：该行有 3 个值，表头有 4 个"),
        (
            "tax__payer: a.csv has no header in the first 20 lines: line 1 has only XM of the columns XM, DH, DZ",
            "tax__payer：a.csv 的前 20 行中没有表头：所需字段为 XM, DH, DZ，第 1 行只有其中的 XM",
        ),
        ("something that nobody has written down", "something that nobody has written down"),
    ],
)
def test_messages_of_the_hub_are_told_in_chinese(english: str, chinese: str) -> None:
    assert sentence(english, "zh") == chinese
    assert sentence(english, "en") == english


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_look_of_its_own(state: str) -> None:
    assert re.search(rf"\.state-{state}\b[^{{]*{{ color:", BASE_STYLE.read_text(encoding="utf-8"))


def test_a_registry_goes_by_its_name_among_chinese_words(filled: Portal) -> None:
    text = filled.client.get("/registries/population/records/00000000-0000-0000-0000-000000000001", params={"lang": "zh"}).text
    assert "人口中没有主体" in text or "人口的第" in text
    assert "opulation 中" not in text
