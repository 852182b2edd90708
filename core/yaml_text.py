"""YAML that people write: whatever is wrong with it is one kind of error that says the line, and reading it costs no more than its length.

PyYAML itself answers a tag that does not fit with errors of Python, follows brackets until the process dies of them, and writes out
what aliases repeat without end.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 50  # lists and keys inside one another; definitions have a dozen
MOST_REPEATED = 100_000  # characters that aliases stand for, all together
LONGEST_NUMBER = 100  # no number of a definition has as many digits, and Python itself refuses to print some thousands


class NotYaml(Exception):
    """A text is no YAML that can be read: where and why, without any value of it."""

    def __init__(self, line: int | None, problem: str) -> None:
        super().__init__(problem)
        self.place = f"line {line}" if line else ""
        self.problem = problem


class Document(SafeLoader):  # type: ignore[misc]
    """YAML in which dates stay the texts they are and a value that is not what it says is told with its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node, made whole at once: there are no references in circles, and so every error falls here."""
        if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:
            raise _unfit(node, f"a number has more than {LONGEST_NUMBER} digits: put it in quotes if it is a text")
        try:
            return super().construct_object(node, deep=True)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise _unfit(node, "the value is not what its tag or its beginning says: put a text in quotes, without a tag (!!…)") from None


Document.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


# JSON is YAML but for how it may write a character beyond the first 65,536: as two halves.
_ESCAPE = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE)


def _whole(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[0]
    return f"\\U{0x10000 + ((int(escape[1], 16) & 0x3FF) << 10) + (int(escape[2], 16) & 0x3FF):08x}"


# A line that has a key with the colon of a Chinese keyboard, and none of YAML's.
_WIDE_COLON = re.compile(r"\s*(?:- +)?(?!#)[^\s：]+：(?!.*:(?:\s|\Z))")


def _mistyped(lines: list[str]) -> tuple[int, str] | None:
    """What a keyboard most likely did in the lines before the place that YAML stumbles over, which does not show it: the line and what to do."""
    last = len(lines)
    if re.match(" *\t", lines[-1]):
        return last, "a tab stands before it: put spaces in its place"
    for number in range(last, max(last - 2, 0), -1):
        if _WIDE_COLON.match(lines[number - 1]):
            return number, "a colon in full width (：) stands behind a key: write : and a space"
    return None


def parsed(text: str, loader: Callable[[str], Any] = Document) -> Any:
    """The one document of a text. Raises NotYaml."""
    if text.lstrip().startswith("{"):
        text = _ESCAPE.sub(_whole, text)
    try:
        _check_extent(yaml.parse(text, Loader=SafeLoader))
        return loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and (typed := _mistyped(text.split("\n")[: mark.line + 1])):
            raise NotYaml(*typed) from None
        raise NotYaml(mark.line + 1 if mark else None, error.problem or "it cannot be read") from None
    except yaml.YAMLError:
        odd = yaml.reader.Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, odd.start()) + 1 if odd else None
        raise NotYaml(line, "it holds a character that cannot be printed: delete it") from None
    except ValueError:  # PyYAML without libyaml looks up a character by its number before it asks whether there is such a one
        raise NotYaml(None, "a character is written by a number (\\U…) that no character has") from None


@dataclass
class _Part:
    """A value, or a list or keys on the way to their end: its anchor, its characters, and how many lists and keys it has inside one another."""

    anchor: str | None
    size: int = 2
    depth: int = 1

    def take(self, part: "_Part") -> None:
        self.size += part.size
        self.depth = max(self.depth, part.depth + 1)


def _check_extent(events: Iterator[yaml.Event]) -> None:
    """Follow a text without making anything of it: how deep it goes, and how much its aliases stand for."""
    whole: dict[str, _Part] = {}
    around = [_Part(None)]
    repeated = 0
    for event in events:
        part = _Part(None, 0, 0)
        if isinstance(event, yaml.CollectionStartEvent):
            around.append(_Part(event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            part = around.pop()
        elif isinstance(event, yaml.ScalarEvent):
            part = _Part(event.anchor, 2 + len(event.value), 0)
        elif isinstance(event, yaml.AliasEvent):
            if any(outer.anchor == event.anchor for outer in around):
                raise _unfit(event, f"*{str(event.anchor)[:40]} stands inside what it stands for: write out what is meant")
            part = replace(whole.get(str(event.anchor), part), anchor=None)
            repeated += part.size
        if len(around) - 1 + part.depth > DEEPEST:
            raise _unfit(event, f"more than {DEEPEST} lists and keys stand inside one another: take the outer ones away")
        if repeated > MOST_REPEATED:
            raise _unfit(event, f"aliases (*) stand for more than {MOST_REPEATED} characters: write out what is meant")
        if part.anchor:
            whole[part.anchor] = part
        around[-1].take(part)


def _unfit(where: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, where.start_mark)
