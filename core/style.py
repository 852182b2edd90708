"""The look that portal, reports and the data dictionary share: colors for light and dark, type, tables, charts."""

from pathlib import Path

BASE_STYLE = Path(__file__).with_name("base.css")
