"""The look that portal, reports and the data dictionary share: colors for light and dark, type, tables, charts; and the frame of a page."""

from pathlib import Path

BASE_STYLE = Path(__file__).with_name("base.css")
FRAME_STYLE = Path(__file__).with_name("frame.css")
