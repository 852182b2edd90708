"""How well records without an identifier are linked: precision and recall of pairs, by the half that the thresholds were chosen on and the other."""

from dataclasses import asdict

from benchmarks import linkage_addresses
from benchmarks.linkage_counts import Count, measured
from benchmarks.linkage_trials import trials
from benchmarks.propose import Share, real_data


def measure(only: str = "") -> list[Count]:
    """The figures of every trial, or of one."""
    found: list[Count] = []
    for trial in trials(real_data()):
        if only in ("", trial.id):
            found += measured(trial)
    return found


def run(people: int, as_json: bool) -> None:
    """Measure, and print a table or one JSON document; `people` is of other benchmarks."""
    from cli.output import answer

    counts, matches = measure(), linkage_addresses.measure(real_data())
    rows = [
        (item.trial, item.half, _text(item.precision), _text(item.recall), _text(item.review), f"{item.seconds:.1f}") for item in counts
    ]
    rows += [("addresses", item.half, _text(item.precision), _text(item.recall), _f1(item), "") for item in matches]
    titles = ("trial", "half", "precision", "recall", "for review, of them true", "processor seconds")
    answer(as_json, [*map(asdict, counts), *map(asdict, matches)], titles, rows)


def _text(share: Share) -> str:
    return f"{share.share:.1%} ({share.low:.1%}–{share.high:.1%}) of {share.of}"


def _f1(match: linkage_addresses.Match) -> str:
    return f"F1 {match.f1:.2f} ({match.low:.2f}–{match.high:.2f}); aim {linkage_addresses.LEAST_F1:.2f}"
