"""The pictures of a packed trace: JPEG, written and read."""

import io

from PIL import Image

from sifa.explorer.format.container import damage

MOST_PIXELS = 1 << 20  # of one picture; `pack` writes at most 480 x 480


def encode(picture: Image.Image, quality: int) -> bytes:
    """A picture as JPEG."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def decode(jpeg: bytes, height: int, width: int) -> Image.Image:
    """A JPEG as a picture in RGB. Raises TraceError, before any pixel is decoded, where it has another size or many scans."""
    picture = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
    if height * width > MOST_PIXELS:
        raise damage(f"pictures of {height} x {width} pixels, more than the {MOST_PIXELS} that one may have")
    if picture.size != (width, height):
        raise damage(f"a picture has {picture.height} x {picture.width} pixels, the header says {height} x {width}")
    if picture.info.get("progressive"):  # each scan may cost as much as a picture, and take next to no bytes
        raise damage("a picture is a progressive JPEG")
    return picture.convert("RGB")
