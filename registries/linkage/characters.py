"""Likeness of two texts by characters, as macros of the engine. Its own distances count bytes, of which a Han character has three.

Both texts of a pair are recoded first, so that each of their characters is one byte: a character becomes the code of its first place in
the two texts joined. What is compared is the same pair in another alphabet, so the engine's distances are those of characters.
"""

from core.engine import Engine

# Both texts together have to fit the one-byte characters that there are, without NUL.
LONGEST = 63
_CODES = "".join(map(chr, range(1, 2 * LONGEST + 1)))

_MACROS = {
    # Least number of characters inserted, deleted, replaced or swapped with their neighbour; of the first 63 characters.
    "edits(a, b)": "damerau_levenshtein(_recoded(a, a, b), _recoded(b, a, b))::INTEGER",
    # Jaro and Winkler: 1 for the same text, 0 for two without a common character.
    "likeness(a, b)": "jaro_winkler_similarity(_recoded(a, a, b), _recoded(b, a, b))",
    # Share of the different characters of both that both have.
    "shared_characters(a, b)": "jaccard(_recoded(a, a, b), _recoded(b, a, b))",
    # Whether all characters of the shorter text stand in the longer one, in their order: then nothing but insertions parts the two.
    "is_within(a, b)": f"edits(a, b) = abs(length(a[:{LONGEST}]) - length(b[:{LONGEST}]))",
    # Of a list of parts with their bits ({part, bits}): the bits of all of them, and of those that stand in a text.
    "bits_of(parts)": "coalesce(list_sum(list_transform(parts, lambda one: one.bits)), 0)",
    "bits_within(parts, t)": "bits_of(list_filter(parts, lambda one: contains(t, one.part)))",
    # The share of them that does, of one list or of two in the text of the other side; of no parts, all do.
    "share_within(parts, t)": "coalesce(bits_within(parts, t) / nullif(bits_of(parts), 0), 1)",
    "shared_bits(a, t, b, u)": "coalesce((bits_within(a, t) + bits_within(b, u)) / nullif(bits_of(a) + bits_of(b), 0), 1)",
    # The same characters, whatever their order.
    "same_characters(a, b)": "list_sort(string_split(a, '')) = list_sort(string_split(b, ''))",
}


def make_macros(engine: Engine) -> None:
    """Define the macros in an engine."""
    engine.run(
        f"CREATE OR REPLACE MACRO _recoded(t, a, b) AS translate(t[:{LONGEST}], a[:{LONGEST}] || b[:{LONGEST}], getvariable('one_byte'))",
        doing="defining comparisons",
    )
    engine.run("SET VARIABLE one_byte = $codes", {"codes": _CODES}, doing="defining comparisons")
    for head, body in _MACROS.items():
        engine.run(f"CREATE OR REPLACE MACRO {head} AS {body}", doing="defining comparisons")
