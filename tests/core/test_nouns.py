"""Numbers with what they count."""

import ast
import re
from collections.abc import Iterator

import pytest

from core.nouns import noun
from core.settings import REPOSITORY

PACKAGES = ("catalog", "cli", "connectors", "contracts", "core", "exchange", "pipeline", "quality", "registries", "standards")
# Run where the hub is not, on their own.
ALONE = ("connectors/offline/bundle.py", "exchange/verify_receipt.py")
# Said of several things only.
SEVERAL = (
    "changed while it was read",
    "records have changed",
    "that is no delivery",
    "nearly all of them empty",
    "one element has one source",
    "{len(like)} files: ",
    "columns to land",
    "more than a sheet holds",
    "elements, and {rule.expression} takes",
    "files in {folder}",
)
# "2 of 1 rows" names the whole, and the limits of the hub are more than one.
COUNTED = re.compile(
    r"(?<!of )␣ (?:more |repaired )?(?:columns|deliveries|entities|equations|files|lines|pairs|places|records|rows|values)\b"
)


@pytest.mark.parametrize(("count", "words"), [(0, "rows"), (1, "row"), (2, "rows")])
def test_words_agree_with_their_number(count: int, words: str) -> None:
    assert noun(count, "row") == words
    assert noun(count, "row is", "rows are") == {"row": "row is", "rows": "rows are"}[words]


def test_no_message_counts_in_the_plural_only() -> None:
    assert list(_counting_in_the_plural()) == []


def _counting_in_the_plural() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            name = str(path.relative_to(REPOSITORY))
            texts = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.JoinedStr))
            found = [ast.unparse(text) for text in texts if name not in ALONE and COUNTED.search(_outline(text))]
            yield from ((name, text) for text in found if not any(words in text for words in SEVERAL))


def _outline(text: ast.JoinedStr) -> str:
    """The text with a sign for each of its values, and none for a constant of the code."""
    return "".join(
        "" if isinstance(part, ast.FormattedValue) and ast.unparse(part.value).isupper() else _shown(part) for part in text.values
    )


def _shown(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "␣"
