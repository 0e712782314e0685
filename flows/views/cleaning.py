"""What `evergreen cleanup` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from flows.views.printing import print_json

if TYPE_CHECKING:
    from flows.cleaning import Cleaned


def show_cleaned(found: list[Cleaned], *, as_json: bool) -> None:
    """What goes and why; of what stays the count only, which --json has in full."""
    if as_json:
        print_json([each.to_json() for each in found])
        return
    console = Console()
    table = Table("what", "where", "size", "why")
    for each in found:
        for ruling in each.removed:
            item = ruling.item
            place = Text(item.place.name if item.place.is_absolute() else str(item.place))
            size = decimal(item.size)
            table.add_row(f"{item.model}: {item.kind}", place, size, Text(ruling.why))
    if table.row_count:
        console.print(table)
    size = decimal(sum(each.size for each in found))
    stays = sum(len(each.rulings) - len(each.removed) for each in found)
    goes = "gone" if found[0].is_done else "would go"
    console.print(f"{table.row_count} {goes}, {size}; {stays} stay", soft_wrap=True)
    if table.row_count and not found[0].is_done:
        console.print("nothing was removed; `--remove` does it", soft_wrap=True)
