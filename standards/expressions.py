"""The expressions of `cross_rules.py` by name, each with the values it takes; read from the module's text, as importing it loads the engine."""

import ast
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_MODULE = Path(__file__).with_name("cross_rules.py")
_VALUE = "StringValue"


# What an expression may take besides values: the list that the coded one among them is of.
_CODE_LIST = "code_list"


@lru_cache(maxsize=1)
def expressions() -> Mapping[str, tuple[str, ...]]:
    """Name of each expression and the names of its values: what `needs` of a rule has to supply, in that order."""
    functions = [node for node in ast.parse(_MODULE.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
    public = [function for function in functions if not function.name.startswith("_")]
    return {function.name: tuple(value.arg for value in _values(function)) for function in public if _takes_values(function)}


def _values(function: ast.FunctionDef) -> list[ast.arg]:
    return [value for value in function.args.args if value.arg != _CODE_LIST]


def _takes_values(function: ast.FunctionDef) -> bool:
    values = _values(function)
    return bool(values) and all(isinstance(value.annotation, ast.Name) and value.annotation.id == _VALUE for value in values)
