"""The messages that the hub's own code can hand to a page, found in its source: texts of errors, hints, notes and reasons of a gate."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from core.settings import REPOSITORY

PACKAGES = ("core", "catalog", "connectors", "quality", "registries", "exchange", "pipeline", "portal")
# What only commands say, which speak English.
COMMANDS = (
    "catalog/department_keys.py",
    "catalog/officers.py",
    "connectors/apis/preview.py",
    "connectors/files/preview.py",
    "connectors/files/records.py",
    "core/dump.py",
    "core/files.py",
    "core/settings.py",
    "pipeline/operation/backup.py",
    "pipeline/bundles.py",
    "pipeline/operation/channels.py",
    "pipeline/delivery/check.py",
    "pipeline/impact/blast_radius.py",
    "pipeline/propose.py",
    "pipeline/quarantine/listing.py",
    "pipeline/quarantine/handed_file.py",
    "pipeline/quarantine/repair_file.py",
    "pipeline/quarantine/replay.py",
    "portal/serve.py",
)
# Calls that make a message, besides errors: the place of the text among their arguments.
CARRIERS = {"Note": 1, "Change": 1, "Unreadable": 1, "_Ragged": 2, "refusal": 0}
SAMPLE = "7"  # fits numbers and names alike
LIKE_A_SENTENCE = re.compile(r"[a-z]{2,}\b.*\s.*\b[a-z]{2,}")
SQL = re.compile(r"\b(SELECT|WHERE|FROM|CASE WHEN|lambda)\b|^read_|{name: ")


@dataclass
class _Module:
    """One file: its assignments and appended texts by name, and its functions."""

    path: str
    tree: ast.Module
    values: dict[str, list[ast.expr]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind(target, node.value)
            elif isinstance(node, ast.For | ast.comprehension):
                self._bind(node.target, node.iter)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
                self.values.setdefault(ast.unparse(node.func.value), []).extend(node.args)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        for name in target.elts if isinstance(target, ast.Tuple) else [target]:
            self.values.setdefault(ast.unparse(name), []).append(value)


@cache
def _modules() -> list[_Module]:
    files = [path for package in PACKAGES for path in sorted((REPOSITORY / package).rglob("*.py")) if "migrations" not in path.parts]
    named = [(str(path.relative_to(REPOSITORY)), path) for path in files]
    return [_Module(name, ast.parse(path.read_text(encoding="utf-8"))) for name, path in named if name not in COMMANDS]


@cache
def _functions() -> dict[str, list[tuple[_Module, ast.FunctionDef]]]:
    found: dict[str, list[tuple[_Module, ast.FunctionDef]]] = {}
    for module in _modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append((module, node))
    return found


@cache
def _constants() -> dict[str, list[tuple[_Module, ast.expr]]]:
    return {
        name: [(module, value) for module in _modules() for value in module.values.get(name, ())]
        for name in {name for module in _modules() for name in module.values if name.isupper()}
    }


@cache
def _errors() -> frozenset[str]:
    """Classes of errors, by name; faults of definitions are left out, for they are told to whoever edits them."""
    classes = [node for module in _modules() for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    known = {"HubError"}
    while more := {node.name for node in classes if known & {getattr(base, "id", "") for base in node.bases}} - known:
        known |= more
    return frozenset(known - {"DefinitionError"})


def messages() -> dict[str, str]:
    """Every message, with sample values, and the file that has it."""
    found: dict[str, str] = {}
    for module in _modules():
        for node in ast.walk(module.tree):
            for text in [text for carried in _carried(node) for text in _texts(module, carried)]:
                if LIKE_A_SENTENCE.search(text) and not SQL.search(text):
                    found.setdefault(text, module.path)
    return found


def _carried(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions that become a message."""
    if isinstance(node, ast.Dict):
        yield from (value for key, value in zip(node.keys, node.values, strict=True) if getattr(key, "value", None) == "message")
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in _errors():
            yield from [*node.args[:1], *(word.value for word in node.keywords if word.arg == "hint")]
        elif name in CARRIERS:
            yield from node.args[CARRIERS[name] :][:1]


_known: dict[ast.expr, list[str]] = {}


def _texts(module: _Module, node: ast.expr) -> list[str]:
    """The texts that an expression can be, as far as they stand in the source."""
    if node not in _known:
        _known[node] = []  # an expression that leads back to itself adds nothing
        _known[node] = list(dict.fromkeys(_read(module, node)))
    return _known[node]


def _read(module: _Module, node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr():
            yield from (_joined(module, node, is_one) for is_one in (False, True))
            yield from _all(module, [part.value for part in node.values if isinstance(part, ast.FormattedValue)])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _texts(module, left)
            yield from _texts(module, right)
        case ast.IfExp():
            yield from _all(module, [node.body, node.orelse])
        case ast.BoolOp() | ast.Dict():
            yield from _all(module, node.values)
        case ast.Tuple() | ast.List():
            yield from _all(module, node.elts)
        case ast.GeneratorExp(elt=inner) | ast.ListComp(elt=inner) | ast.Subscript(value=inner):
            yield from _texts(module, inner)
        case ast.Name(id=name) if name in module.values:
            yield from _all(module, module.values[name])
        case ast.Name(id=name):
            for other, value in _constants().get(name, ()):
                yield from _texts(other, value)
        case ast.Call():
            yield from _of_call(module, node)


def _of_call(module: _Module, node: ast.Call) -> Iterator[str]:
    """What a function of the hub returns; of any other, what it is given."""
    if isinstance(node.func, ast.Attribute):
        yield from _all(module, [node.func.value, *node.args])
    elif isinstance(node.func, ast.Name) and node.func.id not in _functions():
        yield from _all(module, node.args)
    elif isinstance(node.func, ast.Name):
        known = _functions()[node.func.id]
        for other, function in [item for item in known if item[0] is module] or known:
            yield from _all(other, [one.value for one in ast.walk(function) if isinstance(one, ast.Return) and one.value is not None])


def _all(module: _Module, nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        yield from _texts(module, node)


def _joined(module: _Module, node: ast.JoinedStr, is_one: bool) -> str:
    """A text with sample values: as it is of one thing, or of several."""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else _sample(module, part, is_one) for part in node.values)


def _sample(module: _Module, part: ast.expr, is_one: bool) -> str:
    value = part.value if isinstance(part, ast.FormattedValue) else part
    match value:
        case ast.Call(func=ast.Name(id="noun"), args=[_, ast.Constant(value=str(one)), *more]):
            return one if is_one else next((str(word.value) for word in more if isinstance(word, ast.Constant)), f"{one}s")
        case ast.JoinedStr():
            return _joined(module, value, is_one)
        case ast.Name(id=name):
            agreeing = [bound for bound in module.values.get(name, ()) if "noun(" in ast.unparse(bound)]
            return _sample(module, agreeing[0], is_one) if agreeing else SAMPLE
        case _:
            return SAMPLE
