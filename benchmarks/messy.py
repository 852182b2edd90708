"""What a build costs whose texts are as departments have them, beside the same of a clean city: a rule that looks at each character twice is cheap
where hardly any text needs it, and so is a comparison of each with each where hardly any differ.

Each build runs in a process of its own; its own processor seconds.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.build import SEED, measured, run_python
from benchmarks.hub import STEPS

KINDS = ("clean", "messy")
# Texts are read three times as dearly where they have to be mended; what works on rows has no more of them, but more that differs and is to be told.
LARGEST_RATIO, LARGEST_AFTER = 2.5, 2.0
AFTER = ("resolve", "merge", "base", "serve", "other")


def run(people: int, as_json: bool) -> None:
    """Measure, and print a table or one JSON document."""
    with tempfile.TemporaryDirectory(prefix="govhub-bench-") as name:
        found = measure(people, Path(name))
    if as_json:
        print(json.dumps(found))
    else:
        _show(found)


def measure(people: int, folder: Path) -> dict[str, Any]:
    """Both builds: what `benchmarks.hub` says of each, and the ratios of their seconds."""
    clean, dirty = folder / "clean", folder / "messy"
    run_python("-c", f"from demo.benchmark_city import *; benchmark_city({people}, {SEED}, Path({str(clean)!r}))", home=folder)
    run_python("-c", f"from benchmarks.messy_rows import *; write_messy(Path({str(clean)!r}), Path({str(dirty)!r}), {SEED})", home=folder)
    found: dict[str, Any] = {}
    for kind in KINDS:
        home = folder / f"hub-{kind}"
        run_python("-m", "benchmarks.landing", str(folder / kind), home=home)
        found[kind] = measured("benchmarks.hub", home=home)
    return found | {"ratio": _ratio(found, tuple(STEPS)), "after": _ratio(found, AFTER)}


def _ratio(found: dict[str, Any], steps: tuple[str, ...]) -> float:
    clean, dirty = (sum(found[kind]["steps"][step] for step in steps) for kind in KINDS)
    return float(dirty / clean)


def _show(found: dict[str, Any]) -> None:
    clean, dirty = (found[kind] for kind in KINDS)
    table = Table(title=f"Build of {clean['landed']:,} landed rows, clean and messy, CPU s")
    table.add_column("stage")
    for name in (*KINDS, "times"):
        table.add_column(name, justify="right")
    for step, title in STEPS.items():
        seconds = [found[kind]["steps"][step] for kind in KINDS]
        table.add_row(title, *(f"{item:,.2f}" for item in seconds), f"{seconds[1] / seconds[0]:.1f}" if seconds[0] else "")
    console = Console()
    console.print(table)
    console.print(
        f"Quarantined {clean['quarantined']:,} and {dirty['quarantined']:,}; entities {clean['entities']:,} and {dirty['entities']:,}."
    )
    for text, value, bound in (
        ("all stages, times those of the clean city", found["ratio"], LARGEST_RATIO),
        ("from linking on, times those of the clean city", found["after"], LARGEST_AFTER),
    ):
        console.print(f"{'✓' if value <= bound else '✗'} {text}: {value:.1f} (aim {bound:g})")
