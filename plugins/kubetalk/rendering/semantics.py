"""What a table of the author's says to a screen reader: Markdown has no way to write a heading of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markdown.treeprocessors import Treeprocessor

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET


class TableHeads(Treeprocessor):
    """A table whose first heading is empty has headings of rows in its first column (WCAG technique H63).

    The empty cell itself is no heading: nothing would be announced with it.
    """

    def run(self, root: ET.Element) -> None:
        """Renames cells in place."""
        for table in root.iter("table"):
            corner = table.find("thead/tr/th")
            if corner is None or len(corner) or (corner.text or "").strip():
                continue
            corner.tag = "td"
            for row in table.iterfind("tbody/tr"):
                if len(row) and "".join(row[0].itertext()).strip():
                    row[0].tag = "th"
                    row[0].set("scope", "row")
