"""Writes the golden files anew: `python -m tests.golden`. Look at the difference before you commit it."""

from tests.golden.files import FOLDER, golden_files

for old in FOLDER.glob("base_*"):
    old.unlink()
for name, text in golden_files().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
