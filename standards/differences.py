"""What changed between two versions of the standard, definition by definition, and what each change does to records."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from standards.model import Code, CodeList, Definition, Schema, Severity, Standards, Title

Kind = Literal["element", "code_list", "schema", "issue_type", "cross_rule"]
Change = Literal["added", "removed", "changed"]
Effect = Literal["narrowing", "meaning", "widening", "handling", "wording"]
EFFECTS: tuple[Effect, ...] = get_args(Effect)  # the gravest first
# Only these can change what becomes of a record.
TELLING: tuple[Effect, ...] = ("narrowing", "meaning", "widening")
WHOLE = ""  # stands for the definition as a whole where an attribute is expected


@dataclass(frozen=True)
class Difference:
    """One change: of a definition (`kind`, `id`), at an attribute (`part`) and there at one item, as a code or the element of a schema."""

    kind: Kind
    id: str
    title: Title | None
    part: str
    item: str
    change: Change
    old: Any
    new: Any
    effect: Effect

    @property
    def path(self) -> str:
        """Kind and part, as `differences.yml` names them."""
        return f"{self.kind}.{self.part}" if self.part else self.kind


@dataclass(frozen=True)
class _Change:
    """A change before it is known what it does."""

    part: str
    item: str
    old: Any
    new: Any


Compare = Callable[[Any, Any], Iterator[_Change]]


@cache
def attributes() -> Mapping[str, Mapping[str, str]]:
    """Name in both languages and rule of every attribute, from `differences.yml`."""
    found: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
    return found


def differences(old: Standards, new: Standards) -> tuple[Difference, ...]:
    """Every difference, the gravest first, then in the order of the definitions."""
    found = [
        *_group("element", old.elements, new.elements, _fields),
        *_group("code_list", old.code_lists, new.code_lists, _code_lists),
        *_group("schema", old.schemas, new.schemas, _schemas),
        *_group("issue_type", old.issue_types, new.issue_types, _fields),
        *_group("cross_rule", {r.id: r for r in old.cross_rules}, {r.id: r for r in new.cross_rules}, _fields),
    ]
    return tuple(sorted(found, key=lambda item: EFFECTS.index(item.effect)))


def _group(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any], compare: Compare) -> Iterator[Difference]:
    for name in {**old, **new}:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        title = getattr(after or before, "title", None)
        changes = [_Change(WHOLE, "", before, after)] if before is None or after is None else compare(before, after)
        for change in changes:
            kept = change if change.part else _Change(WHOLE, "", title if before else None, title if after else None)
            yield Difference(kind, name, title, kept.part, kept.item, _way(change), kept.old, kept.new, _effect(kind, change))


def _way(change: _Change) -> Change:
    """Definitions and items come and go; an attribute only changes, also to or from nothing."""
    if change.item or not change.part:
        return "added" if change.old is None else "removed" if change.new is None else "changed"
    return "changed"


def _fields(old: Definition, new: Definition, prefix: str = "", item: str = "", skip: Iterable[str] = ()) -> Iterator[_Change]:
    """Attributes that differ; of lists of texts, each text that came or went."""
    for name in type(new).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if name in skip or before == after:
            continue
        part = f"{prefix}{name}"
        if name == "aliases":
            yield from (_Change(part, item or text, text, None) for text in before if text not in after)
            yield from (_Change(part, item or text, None, text) for text in after if text not in before)
        else:
            yield _Change(part, item, before, after)


def _code_lists(old: CodeList, new: CodeList) -> Iterator[_Change]:
    yield from _fields(old, new, skip=("codes", "fixes", "junk", "says_nothing"))
    yield from _says_nothing(old, new)
    before, after = _current(old), _current(new)
    for code in {**before, **after}:
        if code in before and code in after:
            yield from _codes(before[code], after[code])
        else:
            yield _Change("code", code, _name(before.get(code)), _name(after.get(code)))
    yield from _former_codes(old, new, set(before) - set(after))
    yield from _codes_to_come(old, new, set(after) - set(before))
    for wrong in sorted({*old.fixes, *new.fixes}):
        if old.fixes.get(wrong) != new.fixes.get(wrong):
            yield _Change("fixes", wrong, old.fixes.get(wrong), new.fixes.get(wrong))
    for text in sorted({*old.junk} ^ {*new.junk}):
        yield _Change("junk", text, text if text in old.junk else None, text if text in new.junk else None)


def _says_nothing(old: CodeList, new: CodeList) -> Iterator[_Change]:
    """Codes that say nothing from now on, or no longer, by their names; and where the standard says so."""
    before, after = (each.says_nothing.codes if each.says_nothing else () for each in (old, new))
    names = {code.code: code.title.zh for each in (old, new) for code in each.codes}
    for code in sorted({*before} ^ {*after}):
        yield _Change("says_nothing", code, names[code] if code in before else None, names[code] if code in after else None)
    if old.says_nothing and new.says_nothing:
        yield from _fields(old.says_nothing, new.says_nothing, "says_nothing.", skip=("codes",))


def _current(code_list: CodeList) -> dict[str, Code]:
    return {code.code: code for code in code_list.codes if code.is_current}


def _codes(old: Code, new: Code) -> Iterator[_Change]:
    yield from _fields(old, new, "code.", new.code)


def _former_codes(old: CodeList, new: CodeList, withdrawn: set[str]) -> Iterator[_Change]:
    """Entries that have ended. That a withdrawn code becomes one of them goes without saying."""
    before, after = ({(code.code, code.valid_to): code for code in each.codes if code.has_ended} for each in (old, new))
    for key in sorted({**before, **after}):
        if before.get(key) != after.get(key) and not (key[0] in withdrawn and key not in before):
            yield _Change("former", f"{key[0]}@{key[1]}", _name(before.get(key)), _name(after.get(key)))


def _codes_to_come(old: CodeList, new: CodeList, begun: set[str]) -> Iterator[_Change]:
    """Entries that begin in days to come, unless it is that they have begun by now."""
    before, after = (
        {(code.code, code.valid_from): code for code in each.codes if not code.is_current and not code.has_ended} for each in (old, new)
    )
    for key in sorted({**before, **after}):
        if before.get(key) != after.get(key) and not (key[0] in begun and key not in after):
            yield _Change("coming", f"{key[0]}@{key[1]}", _name(before.get(key)), _name(after.get(key)))


def _name(code: Code | None) -> str | None:
    return code.title.zh if code else None


def _schemas(old: Schema, new: Schema) -> Iterator[_Change]:
    yield from _fields(old, new, skip=("uses",))
    before, after = ({use.element.id: use for use in each.uses} for each in (old, new))
    for name in {**before, **after}:
        if name in before and name in after:
            yield from _fields(before[name], after[name], "uses.", name, skip=("element",))
        else:
            yield _Change(
                "uses", name, before[name].element.title if name in before else None, after[name].element.title if name in after else None
            )
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield _Change("order", "", tuple(before), tuple(after))


def _effect(kind: Kind, change: _Change) -> Effect:
    path = f"{kind}.{change.part}" if change.part else kind
    rule = attributes().get(path, {}).get("rule", "meaning")
    return _RULES[rule](change.old, change.new)


def _limit(old: Any, new: Any) -> Effect:
    return "narrowing" if old is None else "widening" if new is None else "meaning"


def _upper(old: Any, new: Any) -> Effect:
    return _limit(old, new) if None in (old, new) else "widening" if new > old else "narrowing"


def _lower(old: Any, new: Any) -> Effect:
    return _limit(old, new) if None in (old, new) else "widening" if new < old else "narrowing"


def _members(old: Any, new: Any) -> Effect:
    return "widening" if old is None else "narrowing" if new is None else "meaning"


def _severity(old: Severity, new: Severity) -> Effect:
    order = get_args(Severity)  # the worst first
    return "narrowing" if order.index(new) < order.index(old) else "widening"


_RULES: dict[str, Callable[[Any, Any], Effect]] = {
    "wording": lambda old, new: "wording",
    "handling": lambda old, new: "handling",
    "meaning": lambda old, new: "meaning",
    "limit": _limit,
    "upper": _upper,
    "lower": _lower,
    "members": _members,
    "strictness": lambda old, new: "narrowing" if new else "widening",
    "severity": _severity,
}
