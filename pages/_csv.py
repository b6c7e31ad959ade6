"""Tables to take away, as a spreadsheet opens them; text that a spreadsheet would run is made plain."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime

from fastapi import Response
from fastapi.responses import StreamingResponse

FORMULA = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\ufeff"
Row = Sequence[object]


def csv_lines(rows: Iterable[Row]) -> str:
    """Rows as text; None is an empty cell, an instant is ISO in UTC with milliseconds."""
    written = io.StringIO()
    csv.writer(written).writerows([_plain(cell) for cell in row] for row in rows)
    return written.getvalue()


def csv_response(name: str, header: Row, rows: Iterable[Row]) -> Response:
    """A whole table at once."""
    return csv_file(name, csv_lines([header]) + csv_lines(rows))


def csv_file(name: str, content: str) -> Response:
    """Text that already is CSV."""
    return Response(BYTE_ORDER_MARK + content, media_type=MEDIA, headers=_headers(name))


def csv_stream(name: str, header: Row, pieces: AsyncIterator[Iterable[Row]]) -> Response:
    """A long table, a piece at a time."""

    async def parts() -> AsyncIterator[str]:
        yield BYTE_ORDER_MARK + csv_lines([header])
        async for rows in pieces:
            yield csv_lines(rows)

    return StreamingResponse(parts(), media_type=MEDIA, headers=_headers(name))


def instant_of(text: str | None, otherwise: datetime) -> datetime:
    """Milliseconds since 1970 as they stand in an address, or the other where they make no sense."""
    try:
        return datetime.fromtimestamp(float(text or "") / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise


MEDIA = "text/csv; charset=utf-8"


def _headers(name: str) -> dict[str, str]:
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in " -_.") else "_" for sign in name)
    return {"content-disposition": f'attachment; filename="{plain}"'}


def _plain(cell: object) -> object:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat(timespec="milliseconds")
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
