"""The Ibis operations that expressions may use, each with the meaning it has on every engine, and expressions as SQL of an engine.

A test collects the operations of all standard expressions and compares them with this list, and another pins each meaning on DuckDB
(and on Spark where it is installed). What is not here is not used: edit distance, `as_date`, `first`. Where Spark's own meaning is another,
`core/spark_sql.py` says it in other words.
"""

from typing import Any, Literal

EngineName = Literal["duckdb", "spark"]
# What DuckDB works on at a time. For no more rows than that, planning a statement costs more than running it.
FEW_ROWS = 2_048

OPERATIONS: dict[str, str] = {
    "Add": "sum of integers",
    "And": "three-valued and",
    "Argument": "the variable of a mapped function",
    "Array": "a list of the given values, nulls kept",
    "ArrayIndex": "element by position from 0; null outside",
    "ArrayMap": "the function applied to each element; with one element, a value computed once and used often",
    "Between": "both bounds included; texts compare by code point",
    "Cast": "date to ISO text, boolean to integer, integer to a wider one; never text to anything (it raises)",
    "Coalesce": "the first value that is not null",
    "DateAdd": "days added to a date; DuckDB gives a timestamp, so the text is cut to ten characters",
    "Equals": "null if a side is null",
    "Field": "a column",
    "FloorDivide": "toward minus infinity, exact below 2^53",
    "Greater": "texts compare by code point",
    "GreaterEqual": "texts compare by code point",
    "InValues": "among literals; a few hundred at most, beyond that a pattern",
    "IntervalFromInteger": "that many days",
    "IsNull": "never null itself",
    "LPad": "filled in front to a length, never cut by us",
    "Less": "texts compare by code point",
    "Literal": "a constant",
    "Modulus": "sign of the dividend; only used on numbers from 0",
    "Multiply": "product of 64-bit integers",
    "Not": "three-valued not",
    "NotNull": "never null itself",
    "NotEquals": "null if a side is null",
    "Or": "three-valued or",
    "Project": "the select list",
    "RPad": "filled behind to a length, never cut by us",
    "RegexReplace": "every match; groups as \\1; the syntax and meaning of RE2 that Java can say (no look-around, no \\p)",
    "RegexSearch": "whether the pattern occurs anywhere; $ is the very end, the dot all but a line feed",
    "SearchedCase": "the first branch that holds; branches of other rows are not evaluated",
    "SimpleCase": "the branch whose key equals the value",
    "StringConcat": "null if a part is null",
    "StringContains": "whether a text occurs",
    "StringFind": "position from 0 in code points, -1 where there is none; the empty text is at 0",
    "StringLength": "code points, not bytes",
    "StringReplace": "every occurrence of a literal text",
    "Substring": "from position 0, in code points; short or empty beyond the end",
    "Subtract": "difference of integers",
    "Translate": "character by character, both lists of one length",
    "TryCast": "text to integer or date where a pattern has made sure of the form, else null",
    "UnboundTable": "a table by name",
    "Uppercase": "letter by letter, of every script; a letter without one capital letter stays",
}


def to_sql(expression: Any, engine: EngineName = "duckdb", *, few: bool = False) -> str:
    """An expression as SQL of an engine, on one line: pretty printing costs more than compiling. `few` promises at most `FEW_ROWS` rows:
    DuckDB then gets a statement that is planned in half the time and would run slowly over many rows.
    """
    if engine == "spark":
        from core.spark_sql import spark_sql

        return spark_sql(expression)
    from core.duckdb_sql import duckdb_sql

    return duckdb_sql(expression, few=few)
