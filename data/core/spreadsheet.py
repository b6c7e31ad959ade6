"""Tables to take away, as a spreadsheet opens them; text that a spreadsheet would run is made plain."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

FORMULA = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\ufeff"
MEDIA = "text/csv; charset=utf-8"
Row = Sequence[object]


def csv_lines(rows: Iterable[Row]) -> str:
    """Rows as text; None is an empty cell, an instant is ISO in UTC with milliseconds."""
    written = io.StringIO()
    csv.writer(written).writerows([_plain(cell) for cell in row] for row in rows)
    return written.getvalue()


def csv_headers(name: str) -> dict[str, str]:
    """What an answer says that is to be kept under that name."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in " -_.") else "_" for sign in name)
    return {"content-disposition": f'attachment; filename="{plain}"'}


def _plain(cell: object) -> object:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat(timespec="milliseconds")
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
