import io

import pytest
from PIL import Image

from data.core.errors import Invalid
from data.trees import media
from tests.factories.trees import jpeg, m4a, png, wav


def test_a_recording_is_known_by_its_bytes() -> None:
    assert (media.sound(wav(0.5)).mime_type, media.sound(wav(0.5)).duration_s) == ("audio/wav", 0.5)
    assert (media.sound(m4a(3)).mime_type, media.sound(m4a(3)).duration_s) == ("audio/mp4", 3.0)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, jpeg(), wav()[:30], m4a()[:24], b"<html><script>", b"RIFF\0\0\0\0WAVEfmt "],
    ids=["nothing", "text", "png", "jpeg", "cut wav", "cut m4a", "html", "empty wav"],
)
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        media.sound(content)


def test_the_copy_of_a_photo_is_smaller_and_upright_and_tells_nothing_of_the_phone() -> None:
    photo = media.photo(jpeg(4000, 2000, orientation=6))
    assert (photo.width_px, photo.height_px, photo.mime_type) == (2000, 4000, "image/jpeg")
    report = Image.open(io.BytesIO(photo.report))
    assert report.size == (800, 1600)
    assert not report.getexif()
    assert len(photo.report) < len(photo.content)
    right_top = report.getpixel((780, 20))
    assert isinstance(right_top, tuple) and right_top[0] > 100, "the brown corner has turned with the picture"


def test_a_png_with_transparency_is_a_photo_too() -> None:
    photo = media.photo(png())
    assert photo.mime_type == "image/png"
    assert Image.open(io.BytesIO(photo.report)).mode == "RGB"


@pytest.mark.parametrize(
    "content",
    [b"", wav(), jpeg()[:200], jpeg()[:-400], png()[:60], b"GIF89a\x01\0\x01\0\0\0\0;"],
    ids=["nothing", "sound", "cut jpeg", "jpeg without its end", "cut png", "gif"],
)
def test_what_is_no_photo_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        media.photo(content)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(out, "PNG")
    assert len(out.getvalue()) < 100_000
    with pytest.raises(Invalid, match="million pixels"):
        media.photo(out.getvalue())
