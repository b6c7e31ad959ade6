"""Pictures are brought first, and then named where they belong: at a temperature written down by hand, at what was done about an alert."""

from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import FileResponse

from data.alerts.commands import Photo, bring_photo
from data.core.errors import NotFound
from data.core.session import transaction
from data.platform import queries
from data.platform.commands import path_of
from data.platform.tables import File
from jobs.api._door import Reader, Setter, answer, called
from jobs.api._organization import of_organization
from jobs.api._pictures import sent

router = of_organization("/assets", "Pictures")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}},
            **{f"image/{kind}": {"schema": {"type": "string", "format": "binary"}} for kind in ("jpeg", "png", "webp")},
        },
    }
}  # fmt: skip


@router.post("/upload", status_code=201, openapi_extra=_BODY)
async def upload(actor: Setter, request: Request) -> dict[str, Any]:
    """A JPEG, PNG or WebP of at most 8 million bytes; what it is is looked up in its bytes. Its `id` is what to name elsewhere."""
    name, content = await sent(request)
    async with transaction(actor) as tx:
        with called(photo="file"):
            return answer(_asset(await bring_photo(tx, Photo(name.rsplit("/", 1)[-1], content))))


@router.get("/{asset_id}")
async def show_asset(actor: Reader, asset_id: UUID) -> FileResponse:
    """A picture that one brought oneself."""
    async with transaction(actor) as tx:
        file = await queries.own_file(tx, asset_id)
    if file is None:
        raise NotFound("There is no such file.")
    return FileResponse(path_of(file), media_type=file.mime_type, headers={"cache-control": "private, no-store"})


def _asset(file: File) -> dict[str, Any]:
    return {"id": file.id, "file_name": file.file_name, "mime_type": file.mime_type, "size_bytes": file.size_bytes, "sha256": file.sha256}
