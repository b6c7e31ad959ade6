"""Tables to take away from a page."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

from fastapi import Response
from fastapi.responses import StreamingResponse

from data.core.spreadsheet import BYTE_ORDER_MARK, MEDIA, Row, csv_headers, csv_lines

__all__ = ["BYTE_ORDER_MARK", "MEDIA", "Row", "csv_file", "csv_lines", "csv_response", "csv_stream", "instant_of"]


def csv_response(name: str, header: Row, rows: Iterable[Row]) -> Response:
    """A whole table at once."""
    return csv_file(name, csv_lines([header]) + csv_lines(rows))


def csv_file(name: str, content: str) -> Response:
    """Text that already is CSV."""
    return Response(BYTE_ORDER_MARK + content, media_type=MEDIA, headers=csv_headers(name))


def csv_stream(name: str, header: Row, pieces: AsyncIterator[Iterable[Row]]) -> Response:
    """A long table, a piece at a time."""

    async def parts() -> AsyncIterator[str]:
        yield BYTE_ORDER_MARK + csv_lines([header])
        async for rows in pieces:
            yield csv_lines(rows)

    return StreamingResponse(parts(), media_type=MEDIA, headers=csv_headers(name))


def instant_of(text: str | None, otherwise: datetime) -> datetime:
    """Milliseconds since 1970 as they stand in an address, or the other where they make no sense."""
    try:
        return datetime.fromtimestamp(float(text or "") / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise
