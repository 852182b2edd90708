"""Writes the golden files anew: `python -m tests.golden`. Look at the difference before you commit it."""

from tests.golden.files import FOLDER, golden_files

files = golden_files()
for old in set(FOLDER.glob("base_*")) - {FOLDER / name for name in files}:
    old.unlink()
for name, text in files.items():
    (FOLDER / name).write_text(text, encoding="utf-8")
