"""From a decoded frame to the picture that a viewer would see: turned, with square pixels, in the colours of a usual screen, and
not larger than asked for. Runs inside the decoding process."""

import threading
from fractions import Fraction
from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image

from sifa.video._survey import HDR
from sifa.video.cuts import Pictures, small_grey

CONVERTER = VideoReformatter()  # one for all: each would keep a thread for every core
CONVERTING = threading.Lock()  # it serves one at a time
REDUCER = VideoReformatter()  # for `small_picture`, in the thread that decodes
SMALL_SIDE = 128  # pixels
WHITE_NITS = 203.0  # diffuse white of a graded HDR picture, ITU-R BT.2408
KNEE = 0.6  # of diffuse white: darker light is kept as it is
BT2020_TO_BT709 = np.array(  # linear light, ITU-R BT.2087
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
)
ROUNDING = 0.02  # shapes nearer to a square come of sizes rounded to even numbers
WIDEST = 16  # pixels wider or narrower than this are taken for square: no camera makes them


def pixel_shape(ratio: Fraction | None) -> Fraction:
    """Width of a stored pixel by its height, as stated; 1 where nothing or something senseless is stated."""
    stated = ratio and 1 / WIDEST <= ratio <= WIDEST and abs(ratio - 1) > ROUNDING
    return ratio if ratio and stated else Fraction(1)


def fit_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """Width and height of a picture, reduced where its longer side exceeds max_side; all in pixels."""
    factor = max_side / max(width, height)
    return (max(1, round(width * factor)), max(1, round(height * factor))) if factor < 1 else (width, height)


def square_size(width: int, height: int, pixel: Fraction) -> tuple[int, int]:
    """The width and height at which stored pixels become square: the squeezed side is stretched, so that nothing is lost."""
    return (round(width * pixel), height) if pixel > 1 else (width, round(height / pixel))


def picture_of(frame: Any, pixel: Fraction = Fraction(1), max_side: int = 10**6) -> tuple[np.ndarray, tuple[int, int]]:
    """A frame of PyAV -> the picture (H, W, 3) uint8 RGB, and the height and width that it has unreduced."""
    full = square_size(frame.width, frame.height, pixel)
    size = fit_size(*full, max_side)
    return turned(frame, tone_mapped(frame, *size) if is_hdr(frame) else resized(converted(frame, "rgb24"), size), full)


def quick_picture(frame: Any, pixel: Fraction, max_side: int) -> tuple[np.ndarray, tuple[int, int]]:
    """`picture_of`, reduced as it is converted: many times faster, and nearly the same."""
    full = square_size(frame.width, frame.height, pixel)
    size = fit_size(*full, max_side)
    return turned(frame, tone_mapped(frame, *size) if is_hdr(frame) else converted(frame, "rgb24", *size, "AREA"), full)


def turned(frame: Any, picture: np.ndarray, full: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """The picture as the file wants it turned, and the height and width of `full`, a width and a height, then."""
    quarters, mirrored = orientation(frame)
    if mirrored:
        picture = picture[:, ::-1]
    return np.ascontiguousarray(np.rot90(picture, quarters)), full if quarters % 2 else (full[1], full[0])


def converted(
    frame: Any, pixels: str, width: int | None = None, height: int | None = None, scaler: str = "BICUBIC"
) -> np.ndarray:
    """A frame's numbers in another format of pixels, and perhaps at another size."""
    with CONVERTING:
        changed = CONVERTER.reformat(frame, width, height, format=pixels, interpolation=scaler, threads=1)
    return np.asarray(changed.to_ndarray())


def small_picture(frame: Any) -> Pictures:
    """A frame of PyAV as `find_cut` looks at it: its light as stored, neither turned nor with square pixels."""
    grey = REDUCER.reformat(frame, SMALL_SIDE, SMALL_SIDE, format="gray", interpolation="FAST_BILINEAR", threads=1)
    return small_grey(np.asarray(grey.to_ndarray()))


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) uint8 at another width and height."""
    if size == (picture.shape[1], picture.shape[0]):
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, reducing_gap=3))


def orientation(frame: Any) -> tuple[int, bool]:
    """Quarter turns against the clock, and whether the picture is mirrored from left to right first: the file's display matrix."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].astype(np.int64).tolist()
            mirrored = a * d - b * c < 0
            if mirrored:
                a, b = -a, -b
            return round(np.degrees(np.arctan2(-b, a)) / 90) % 4, mirrored
    return 0, False


def is_hdr(frame: Any) -> bool:
    return int(frame.color_trc) in HDR


def tone_mapped(frame: Any, width: int, height: int) -> np.ndarray:
    """High dynamic range -> (height, width, 3) uint8 for a usual screen: light up to KNEE of diffuse white is kept, the rest is
    bent below full white, and colours outside BT.709 are clipped."""
    planes = converted(frame, "yuv444p16le", width, height) / 65535.0
    full = int(frame.color_range) == 2
    luma = planes[..., 0] if full else (planes[..., 0] * 255 - 16) / 219
    blue, red = ((planes[..., i] - 128 / 255) * (1 if full else 255 / 224) for i in (1, 2))
    signal = np.stack(  # ITU-R BT.2020
        [luma + 1.4746 * red, luma - 0.16455 * blue - 0.57135 * red, luma + 1.8814 * blue], axis=-1
    ).clip(0, 1)
    light = (pq_nits(signal) if int(frame.color_trc) == HDR[0] else hlg_nits(signal)) / WHITE_NITS
    light = (light @ BT2020_TO_BT709.T).clip(0)
    bent = KNEE + (1 - KNEE) * (1 - np.exp(-(light - KNEE) / (1 - KNEE)))
    shown = np.where(light > KNEE, bent, light) ** (1 / 2.4)  # the curve of a usual screen, ITU-R BT.1886
    return np.asarray((shown * 255).round().clip(0, 255), np.uint8)


def pq_nits(signal: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084: signal 0 to 1 -> light, 0 to 10 000 candela per square metre."""
    power = signal ** (1 / 78.84375)
    return np.asarray(10_000 * ((power - 0.8359375).clip(0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125))


def hlg_nits(signal: np.ndarray) -> np.ndarray:
    """ITU-R BT.2100 hybrid log-gamma: signal (..., 3) 0 to 1 -> light on a screen of 1000 candela per square metre."""
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    brightness = scene @ np.array([0.2627, 0.6780, 0.0593])
    return np.asarray(1000 * brightness[..., None].clip(1e-6) ** 0.2 * scene)
