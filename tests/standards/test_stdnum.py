"""Identifiers as python-stdnum judges them: its own doctests, generated numbers, and real registers; what differs is explained by a listed rule."""

import csv
import doctest
import gzip
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from stdnum import exceptions
from stdnum.cn import ric, uscc

from standards.single import Normalized, normalize_values
from tests.connectors.helpers import REAL_DATA
from tests.standards.identifier_columns import credit_codes, resident_ids
from tests.standards.stdnum_rules import DIFFERENCES, NARROWED, READINGS, WIDENED, rules, rules_say, stdnum_says
from tests.standards.suites import SUITES
from tests.standards.ways import STANDARDS, TODAY, accepted, batch_answers

REGISTERS = REAL_DATA / "cn_registry"
CREDIT_CODE = "unified_social_credit_code"
# How many numbers of each kind at a time, and how often.
MAKERS: dict[str, Callable[[int, int], list[str]]] = {"resident_id": resident_ids, CREDIT_CODE: credit_codes}
FEW, MANY = (10_000, 1), (100_000, 5)


def hub_says(folder: Path, name: str, texts: Sequence[str]) -> list[str | None]:
    """The identifiers as the hub gives them, None where it refuses one."""
    return accepted(batch_answers(folder, {name: texts})[name])


# Its doctests, run against the hub


@dataclass(frozen=True)
class Adapter:
    """The hub with the functions of a module of python-stdnum."""

    element: str
    known: Mapping[str, Normalized] = field(default_factory=dict)  # answers that were asked for in one call, which is quicker

    def compact(self, number: str) -> str:
        return self._answer(number).read or ""

    format = compact

    def validate(self, number: str) -> str:
        answer = self._answer(number)
        if answer.value is None:
            raise self._error(answer)
        return answer.value

    def is_valid(self, number: str) -> bool:
        return self._answer(number).value is not None

    def _answer(self, number: str) -> Normalized:
        return self.known.get(number) or normalize_values(STANDARDS, self.element, [number], today=TODAY)[0]

    @staticmethod
    def _error(answer: Normalized) -> exceptions.ValidationError:
        if "wrong-length" in answer.issues:
            return exceptions.InvalidLength()
        wrong_checks = {"wrong-check-character", "wrong-inner-code"}
        return exceptions.InvalidChecksum() if wrong_checks & set(answer.issues) else exceptions.InvalidFormat()


HUB_CREDIT_CODE, HUB_RESIDENT_ID = Adapter(CREDIT_CODE), Adapter("resident_id")
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


class Failures(doctest.DocTestRunner):
    """Keeps the examples that came out otherwise."""

    def __init__(self) -> None:
        super().__init__(verbose=False, optionflags=FLAGS)
        self.sources: list[str] = []

    def report_failure(self, out: object, test: object, example: doctest.Example, got: str) -> None:
        self.sources.append(example.source.strip())

    def report_unexpected_exception(self, out: object, test: object, example: doctest.Example, exc_info: object) -> None:
        self.sources.append(example.source.strip())


def run_doctest(text: str, adapter: Adapter) -> tuple[int, list[str]]:
    """How many examples there are, and the sources of those that came out otherwise."""
    functions = {name: getattr(adapter, name) for name in ("compact", "format", "validate", "is_valid")}
    test = doctest.DocTestParser().get_doctest(text, {"uscc": adapter, **functions}, "stdnum", None, None)
    test.examples = [example for example in test.examples if not example.source.startswith("from stdnum")]
    runner = Failures()
    runner.run(test, out=lambda text: None, clear_globs=False)
    return len(test.examples), runner.sources


def test_its_detailed_doctests_of_credit_codes_pass() -> None:
    path = SUITES / "stdnum_cn_uscc.doctest"
    if not path.exists():
        pytest.skip("python-stdnum's detailed doctests are not here (GOVHUB_REAL_DATA)")
    text = path.read_text(encoding="utf-8")
    found = [line.removeprefix("... ") for line in text.splitlines() if line.startswith("... ") and len(line) == len("... ") + 18]
    assert len(found) == 200
    answers = normalize_values(STANDARDS, CREDIT_CODE, found)
    assert [answer.status for answer in answers] == ["valid"] * 200
    examples, failed = run_doctest(text, Adapter(CREDIT_CODE, dict(zip(found, answers, strict=True))))
    assert examples == 9
    assert failed == [listed["example"] for listed in DIFFERENCES["doctests"]]


@pytest.mark.parametrize("listed", DIFFERENCES["doctests"], ids=lambda listed: listed["example"])
def test_an_example_that_comes_out_otherwise_does_so_by_a_rule(listed: dict[str, str]) -> None:
    assert listed["rule"] in DIFFERENCES[CREDIT_CODE]
    with pytest.raises(getattr(exceptions, listed["gives"])):
        eval(listed["example"], {"uscc": HUB_CREDIT_CODE})


@pytest.mark.parametrize(("module", "adapter"), [(uscc, HUB_CREDIT_CODE), (ric, HUB_RESIDENT_ID)], ids=["uscc", "ric"])
def test_the_doctests_of_its_modules_pass(module: object, adapter: Adapter) -> None:
    examples, failed = run_doctest(module.__doc__ or "", adapter)
    assert examples
    assert [source.replace("validate", "uscc.validate") for source in failed] == [
        listed["example"] for listed in DIFFERENCES["doctests"] if module is uscc
    ]


# Rules


def test_every_rule_is_carried_out_and_has_a_source() -> None:
    for name in MAKERS:
        carried_out = [*READINGS[name], *WIDENED[name], *NARROWED[name]]
        assert sorted(carried_out) == sorted(DIFFERENCES[name])
        stricter = {rule for rule, described in DIFFERENCES[name].items() if described["accepts"] == "stdnum"}
        assert stricter == set(NARROWED[name])
    for _, rule, described in rules():
        assert described["source"], rule
        assert described["words"], rule
        assert described["examples"], rule


@pytest.mark.parametrize(("name", "rule", "described"), rules(), ids=lambda part: part if isinstance(part, str) else "")
def test_a_rule_makes_the_difference_that_it_names(name: str, rule: str, described: dict[str, list[str]]) -> None:
    for text in described["examples"]:
        (answer,) = normalize_values(STANDARDS, name, [text], today=TODAY)
        assert (answer.value is not None) == (described["accepts"] == "hub"), answer
        assert (stdnum_says(name, text) is not None) == (described["accepts"] == "stdnum")
        verdict = rules_say(name, text)
        assert verdict.value == answer.value
        assert rule in verdict.rules


# Generated numbers


@pytest.mark.slow
@pytest.mark.parametrize(("size", "times"), [pytest.param(*FEW, id="few"), pytest.param(*MANY, marks=pytest.mark.long, id="million")])
@pytest.mark.parametrize("name", MAKERS)
def test_generated_numbers_agree_but_for_the_rules(tmp_path: Path, name: str, size: int, times: int) -> None:
    agreed, explained = 0, Counter[str]()
    for seed in range(times):
        texts = MAKERS[name](size, seed)
        unexplained = []
        for text, hub in zip(texts, hub_says(tmp_path / str(seed), name, texts), strict=True):
            stdnum, verdict = stdnum_says(name, text), rules_say(name, text)
            if hub != verdict.value or (hub != stdnum and not verdict.rules):
                unexplained.append((text, hub, stdnum, verdict))
            elif hub == stdnum:
                agreed += 1
            else:
                explained.update(verdict.rules)
        assert unexplained == []
    assert set(explained) == set(DIFFERENCES[name]), "a rule without a case is no rule"
    assert agreed > size * times // 2
    print(f"{name}: {size * times} numbers, {agreed} agree; differences by rule: {dict(explained.most_common())}")


# Real registers


def read_register(name: str) -> list[dict[str, str]]:
    path = REGISTERS / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip("the real registers are not here (GOVHUB_REAL_DATA)")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def codes_of(name: str) -> list[str]:
    return [row["统一社会信用代码"] for row in read_register(name)]


def test_verdicts_on_unusual_identifiers_of_the_register_are_equal(tmp_path: Path) -> None:
    codes, known = codes_of("odd_identifiers"), read_register("odd_identifiers_verdicts")
    assert [row["统一社会信用代码"] for row in known] == codes
    found = hub_says(tmp_path, CREDIT_CODE, codes)
    differing = [code for code, row, value in zip(codes, known, found, strict=True) if (row["verdict"] == "valid") != (value is not None)]
    assert len(differing) <= len(codes) * 0.001
    assert [code for code in differing if not rules_say(CREDIT_CODE, code).rules] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("register", "differences"),
    [
        pytest.param("beijing", {"inner-check-character": 1}, marks=pytest.mark.long),
        pytest.param("shanghai_no_scope", {}, marks=pytest.mark.long),
        ("jiangsu_40k", {"inner-check-character": 1}),
        pytest.param("sichuan_40k_no_scope", {}, marks=pytest.mark.long),
    ],
)
def test_codes_of_a_register_are_judged_as_by_stdnum(tmp_path: Path, register: str, differences: dict[str, int]) -> None:
    codes = codes_of(register)
    explained = Counter[str]()
    for code, hub in zip(codes, hub_says(tmp_path, CREDIT_CODE, codes), strict=True):
        if hub != stdnum_says(CREDIT_CODE, code):
            verdict = rules_say(CREDIT_CODE, code)
            assert hub == verdict.value
            explained.update(verdict.rules)
    assert explained == differences
