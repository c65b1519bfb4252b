"""Writes the pages of the reference."""

from reference_pages import FOLDER, PAGES

for name, write in PAGES.items():
    (FOLDER / name).write_text(write())
