"""What each portable operation gives on a few rows, the traps of either engine among them; every engine is held against the same cases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

import ibis
import pyarrow as pa
from ibis.expr import operations as ops

Row = tuple[Any, Any, Any]  # a, b, what comes out


@dataclass(frozen=True)
class Case:
    """An operation over the columns `a` and `b` of one type, row by row."""

    operation: str
    expression: Callable[[Any, Any], Any]
    rows: Sequence[Row]
    type: str = "string"

    @property
    def table(self) -> ibis.Table:
        """The table that the rows are given in."""
        return ibis.table({"n": "int64", "a": self.type, "b": self.type}, name="cases")

    @property
    def query(self) -> ibis.Table:
        """Row number and result, in the order of the rows."""
        return self.table.select("n", result=self.expression(self.table.a, self.table.b)).order_by("n")

    @property
    def given(self) -> pa.Table:
        """The rows, numbered."""
        rows = [{"n": n, "a": a, "b": b} for n, (a, b, _) in enumerate(self.rows)]
        return pa.Table.from_pylist(rows, schema=self.table.schema().to_pyarrow())

    @property
    def expected(self) -> list[Any]:
        """What has to come out."""
        return [result for *_, result in self.rows]

    def uses_its_operation(self) -> bool:
        """Whether the expression is made of what the case is about."""
        return self.operation in {type(node).__name__ for node in self.query.op().find(ops.Node)}


def _let(value: Any, body: Callable[[Any], Any]) -> Any:
    return ibis.array([value]).map(body)[0]


def _three_valued(combine: Callable[[Any, Any], Any]) -> list[Row]:
    return [(a, b, combine(a, b)) for a, b in product((True, False, None), repeat=2)]


def _and(a: bool | None, b: bool | None) -> bool | None:
    return False if a is False or b is False else None if None in (a, b) else True


def _or(a: bool | None, b: bool | None) -> bool | None:
    return True if a is True or b is True else None if None in (a, b) else False


def _one(*pairs: tuple[Any, Any]) -> list[Row]:
    """Rows of an operation that looks at `a` alone."""
    return [(a, None, result) for a, result in pairs]


def _search(pattern: str, hits: Sequence[str], misses: Sequence[str]) -> Case:
    return Case(
        "RegexSearch", lambda a, b: a.re_search(pattern), _one(*((t, True) for t in hits), *((t, False) for t in misses), (None, None))
    )


def _replaced(pattern: str, replacement: str, *pairs: tuple[str, str]) -> Case:
    return Case("RegexReplace", lambda a, b: a.re_replace(pattern, replacement), _one(*pairs, (None, None)))


BIG = 2**53 - 1
CASES: tuple[Case, ...] = (
    Case("Add", lambda a, b: a + b, [(1, 2, 3), (-1, 1, 0), (2**40, 2**41, 3 * 2**40), (1, None, None)], "int64"),
    Case("And", lambda a, b: a & b, _three_valued(_and), "boolean"),
    Case("Argument", lambda a, b: _let(a, lambda v: v + "-" + v), _one(("x", "x-x"), (None, None))),
    Case("Array", lambda a, b: ibis.array([a, b])[1], [("x", "y", "y"), ("x", None, None)]),
    Case("ArrayIndex", lambda a, b: ibis.array([a, b])[0], [("x", "y", "x"), (None, "y", None)]),
    Case("ArrayIndex", lambda a, b: ibis.array([a, b])[2], [("x", "y", None)]),
    Case("ArrayMap", lambda a, b: ibis.array([a, b]).map(lambda v: v + "!")[1], [("x", "y", "y!"), ("x", None, None)]),
    Case("ArrayMap", lambda a, b: _let(a, lambda v: _let(v + b, lambda w: w + v)), [("x", "y", "xyx"), ("x", None, None)]),
    Case(
        "Between",
        lambda a, b: a.between("18000101", "9"),
        _one(("18000101", True), ("18", False), ("9", True), ("90", False), (None, None)),
    ),
    Case("Between", lambda a, b: a.between("一", "龥"), _one(("㐀", False), ("一", True), ("𠀀", False), ("中国", True))),
    Case(
        "Cast",
        lambda a, b: a.cast("string"),
        _one((date(2024, 2, 29), "2024-02-29"), (date(987, 1, 2), "0987-01-02"), (None, None)),
        "date",
    ),
    Case("Cast", lambda a, b: a.cast("int32"), _one((True, 1), (False, 0), (None, None)), "boolean"),
    Case("Cast", lambda a, b: a.cast("int64") * 2**31, _one((2**31 - 1, (2**31 - 1) * 2**31), (-1, -(2**31)), (None, None)), "int32"),
    Case("Coalesce", lambda a, b: a.coalesce(b), [("x", "y", "x"), (None, "y", "y"), (None, None, None), ("", "y", "")]),
    Case(
        "DateAdd",
        lambda a, b: (a + ibis.interval(days=1)).cast("string").substr(0, 10),
        _one((date(1999, 12, 31), "2000-01-01"), (date(2024, 2, 28), "2024-02-29"), (date(1582, 10, 4), "1582-10-05"), (None, None)),
        "date",
    ),
    Case(
        "Equals", lambda a, b: a == b, [("x", "x", True), ("x", "X", False), ("é", "e\u0301", False), ("x", "x ", False), ("x", None, None)]
    ),
    Case("Field", lambda a, b: b, [("x", "y", "y"), ("x", None, None)]),
    Case("FloorDivide", lambda a, b: a // b, [(7, 2, 3), (-7, 2, -4), (BIG, 1, BIG), (-1, 86_400_000, -1), (None, 2, None)], "int64"),
    Case("Greater", lambda a, b: a > b, [("b", "a", True), ("a", "a", False), ("a", "B", True), ("𠀀", "\uf900", True), ("a", None, None)]),
    Case("GreaterEqual", lambda a, b: a >= b, [("a", "a", True), ("16", "9", False), ("", "a", False), (None, "a", None)]),
    Case(
        "InValues",
        lambda a, b: a.isin(["x", "Ｘ", "", "it's", "\\"]),
        _one(("x", True), ("X", False), ("", True), ("it's", True), ("\\", True)),
    ),
    Case("InValues", lambda a, b: a.isin(["x"]), _one((None, None))),
    Case(
        "IntervalFromInteger",
        lambda a, b: (ibis.date("1899-12-30") + a.as_interval("D")).cast("string").substr(0, 10),
        _one((32874, "1990-01-01"), (0, "1899-12-30"), (-1, "1899-12-29"), (99999, "2173-10-13"), (None, None)),
        "int64",
    ),
    Case("IsNull", lambda a, b: a.isnull(), _one((None, True), ("", False), ("x", False))),
    Case("LPad", lambda a, b: a.lpad(4, "0"), _one(("7", "0007"), ("", "0000"), ("12345", "12345"), ("十", "000十"), (None, None))),
    Case("Less", lambda a, b: a < b, [("a", "b", True), ("10", "9", True), ("𠀀", "龥", False), ("a", None, None)]),
    Case("Literal", lambda a, b: ibis.literal('it\'s \\1 "一"\n$1 𠀀'), _one(("x", 'it\'s \\1 "一"\n$1 𠀀'))),
    Case("Modulus", lambda a, b: a % b, [(7, 3, 1), (6, 3, 0), (0, 11, 0), (-7, 3, -1), (None, 3, None)], "int64"),
    Case("Multiply", lambda a, b: a * b, [(3, 4, 12), (2**31, 2**31, 2**62), (-2, 3, -6), (None, 2, None)], "int64"),
    Case("Not", lambda a, b: ~a, _one((True, False), (False, True), (None, None)), "boolean"),
    Case("NotNull", lambda a, b: a.notnull(), _one((None, False), ("", True))),
    Case("NotEquals", lambda a, b: a != b, [("x", "y", True), ("x", "x", False), (None, "x", None), (None, None, None)]),
    Case("Or", lambda a, b: a | b, _three_valued(_or), "boolean"),
    Case("Project", lambda a, b: a, _one(("x", "x"))),
    Case("RPad", lambda a, b: a.rpad(6, "0"), _one(("11", "110000"), ("", "000000"), ("1234567", "1234567"), (None, None))),
    _replaced("[0-9]+", "", ("a1b22c", "abc"), ("１", "１"), ("", "")),
    _replaced("^([0-9]{4})年([0-9])月$", r"\1-0\2", ("2024年5月", "2024-05"), ("2024年12月", "2024年12月")),
    _replaced("^([a-z])([a-z])?$", r"\2\10\1", ("ab", "ba0a"), ("a", "a0a")),
    _replaced("x", r"$1", ("axa", "a$1a")),
    _replaced("^ +| +$", "", ("  a b  ", "a b"), ("   ", ""), ("a\n ", "a\n")),
    _replaced("-$", "", ("a-", "a"), ("a-\n", "a-\n")),
    _replaced("[𠀀-𠀂]", "·", ("𠀁a𠀃", "·a𠀃")),
    _search("^[0-9]{2}$", ["12"], ["12\n", "12\r\n", "12\u2028", "123", "１２", "\n12", "1\n2"]),
    _search("^a.b$", ["a b", "a中b", "a𠀀b", "a\rb", "a\u2028b", "a\x85b"], ["a\nb", "ab"]),
    _search(r"^\s+$", [" ", "\t\n\f\r "], ["\x0b", "\u00a0", "\u3000", "\x85", "", "\x1c"]),
    _search(r"^[\sx]$", ["x", " "], ["\x0b", "s", "\\"]),
    _search("[[&]", ["[", "&"], ["]", "", "a"]),
    _search("^[a&&b]$", ["a", "&", "b"], ["", "c"]),
    _search("^[^]a]$", ["b", "["], ["]", "a"]),
    _search("$|x", ["", "abc"], []),
    _search("^[一-龥〇]{2}$", ["中国", "〇一"], ["中", "𠀀𠀀"]),
    _search(r"^\$\.$", ["$."], ["$a", ""]),
    Case(
        "SearchedCase",
        lambda a, b: ibis.cases((a == "x", "1"), (b == "x", "2"), else_="3"),
        [("x", "x", "1"), ("y", "x", "2"), (None, "x", "2"), ("y", None, "3")],
    ),
    Case(
        "SimpleCase", lambda a, b: a.cases(("x", "1"), ("x", "2"), else_=ibis.null("string")), _one(("x", "1"), ("y", None), (None, None))
    ),
    Case("StringConcat", lambda a, b: a + b, [("x", "y", "xy"), ("", "", ""), ("x", None, None)]),
    Case("StringContains", lambda a, b: a.contains(b), [("a%b", "%", True), ("ab", "_", False), ("ab", "", True), ("ab", None, None)]),
    Case(
        "StringFind",
        lambda a, b: a.find(b),
        [("abc", "c", 2), ("𠀀中a", "a", 2), ("abc", "x", -1), ("abc", "", 0), ("abca", "a", 0), (None, "a", None), ("a", None, None)],
    ),
    Case("StringLength", lambda a, b: a.length(), _one(("", 0), ("中a", 2), ("𠀀", 1), ("e\u0301", 2), ("\n", 1), (None, None))),
    Case("StringReplace", lambda a, b: a.replace(".", "中"), _one(("1.2.", "1中2中"), ("", ""), ("a", "a"), (None, None))),
    Case("Substring", lambda a, b: a.substr(1, 2), _one(("abcd", "bc"), ("𠀀中a", "中a"), ("ab", "b"), ("a", ""), ("", ""), (None, None))),
    Case("Subtract", lambda a, b: a - b, [(1, 2, -1), (2**40, 1, 2**40 - 1), (1, None, None)], "int64"),
    Case("Translate", lambda a, b: a.translate("１二𠀀\\", "12中/"), _one(("１二三", "12三"), ("𠀀\\", "中/"), ("", ""), (None, None))),
    Case("TryCast", lambda a, b: a.try_cast("int64"), _one(("12", 12), ("007", 7), ("-5", -5), ("x", None), ("", None), (None, None))),
    Case("TryCast", lambda a, b: a.try_cast("int32"), _one(("999999999", 999999999), ("9999999999", None), ("9e18", None))),
    Case(
        "TryCast",
        lambda a, b: a.try_cast("date").cast("string").substr(0, 10),
        _one(("2024-02-29", "2024-02-29"), ("2023-02-29", None), ("1800-01-01", "1800-01-01"), ("x", None), (None, None)),
    ),
    Case("UnboundTable", lambda a, b: a, _one(("x", "x"))),
    Case(
        "Uppercase",
        lambda a, b: a.upper(),
        _one(
            ("aZ9", "AZ9"), ("é", "É"), ("ß", "ẞ"), ("ﬁ", "ﬁ"), ("ŉ", "ŉ"), ("ᾳ", "ᾼ"), ("ı", "I"), ("ⅷ", "Ⅷ"), ("ａ", "Ａ"), ("中", "中")
        ),
    ),
)
