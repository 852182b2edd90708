"""What stands beside the chosen values: of how many entities each registry has further values, by element and role."""

from collections.abc import Mapping

import sqlalchemy as sa
from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable

from core.database import reading
from pipeline.home import Home
from registries.definition import get_definition
from registries.versions import values_view
from standards.loader import load_standards

Beside = Mapping[str, Mapping[str, int]]  # element → role → entities
HEADINGS = ("库\nRegistry", "数据元\nElement", "角色\nRole", "主体\nEntities")


def beside(home: Home, registry: str) -> Beside:
    """Entities of the current publication with a further value, by element and role, in the order of the definition."""
    view = values_view(load_standards().schemas[registry])
    with reading(home.serving) as connection:
        rows = connection.execute(sa.text(f"SELECT element, role, count(DISTINCT _canonical_id) FROM {view} GROUP BY element, role"))
        counts = {(element, role): count for element, role, count in rows}
    several = get_definition(registry).several
    return {
        element: {role.id: counts[element, role.id] for role in item.roles if (element, role.id) in counts}
        for element, item in several.items()
    }


def render(found: Mapping[str, Beside]) -> RichTable:
    """For a terminal, by registry."""
    table = RichTable(title="采用值之外 Beside the chosen values", title_justify="left", box=SIMPLE_HEAD)
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if "Entities" in heading else "left", no_wrap=True)
    for registry, elements in found.items():
        titles = {(name, role.id): role.title for name, item in get_definition(registry).several.items() for role in item.roles}
        for element, roles in elements.items():
            for role, count in roles.items():
                title = titles[element, role]
                table.add_row(registry, element, f"{title.zh} {title.en}", f"{count:,}")
    return table
