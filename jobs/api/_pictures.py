"""A picture comes up in a request of its own, and is named where it belongs."""

from collections.abc import AsyncGenerator
from uuid import UUID

import anyio.to_thread
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from data.core.errors import Invalid, TooLarge, Unsupported
from data.core.session import Transaction
from data.platform import queries
from data.platform.commands import path_of
from data.platform.pictures import MOST_BYTES, Picture, picture
from jobs.networks._door import body_of

AROUND = 100_000
"""What a form may have besides the picture itself."""


async def sent(request: Request) -> tuple[str, bytes]:
    """The picture in a request, and what it is called: the field `file` of a form, or the body itself. Nobody's is kept in part."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("image/jpeg", "image/png", "image/webp"):
        return f"picture.{kind.removeprefix('image/')}", await body_of(request, limit=MOST_BYTES)
    if kind != "multipart/form-data":
        raise Unsupported("Send a picture: as the field file of a form, or as the body itself with its image type.")
    try:
        form = await MultiPartParser(request.headers, _limited(request), max_files=1, max_fields=5).parse()
    except (MultiPartException, KeyError) as reason:
        raise Invalid("file", "This form cannot be read.") from reason
    file = form.get("file")
    try:
        if not isinstance(file, UploadFile):
            raise Invalid("file", "The form has no such field.")
        return file.filename or "picture", await file.read()
    finally:
        await form.close()


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES + AROUND:
            raise TooLarge("A message may have at most {limit} bytes.", limit=MOST_BYTES + AROUND)
        yield chunk


async def uploaded(tx: Transaction, file_id: UUID) -> Picture:
    """A picture that the actor brought before; Invalid('photo_id') for any other file."""
    file = await queries.own_file(tx, file_id)
    if file is None:
        raise Invalid("photo_id", "There is no such picture of yours.")
    return await picture(await anyio.to_thread.run_sync(path_of(file).read_bytes), field="photo_id")
