"""What the Triton engine's two kernels have in common: a program's locations, and the four corners of a sampled place.

Tiles are (locations, columns); a vector has a number for each location.
"""

import triton
import triton.language as tl


@triton.jit
def locations(
    frames: tl.tensor, steps: tl.tensor, height: tl.tensor, width: tl.tensor,
    stride_b: tl.tensor, stride_t: tl.tensor, stride_y: tl.tensor, stride_x: tl.tensor,
    channels: tl.constexpr, kernel_size: tl.constexpr, far: tl.constexpr, columns: tl.constexpr, block: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Where this program's locations lie, some of them beyond the last one: with so many frames in each clip.

    Number, row and column of each; whether it has a pair; the columns of a tile, and which are channels; numbers from the first
    one of the features to the location's own, to the first of the next frame, and from the first weight to the pair's.
    """
    cells, taps = height * width, kernel_size * kernel_size
    blocks = tl.cdiv(cells, block)
    program = tl.program_id(0)
    frame = program // blocks
    cell = (program % blocks) * block + tl.arange(0, block)
    b, t = (frame // frames).to(tl.int64), (frame % frames).to(tl.int64)
    y, x = cell // width, cell % width
    live = cell < tl.where(t + 1 < steps, cells, 0)
    index = tl.arange(0, columns)[None, :]  # of a channel, or of a tap
    start = b * stride_b + t * stride_t
    own = start + (widened(y, far) * stride_y + widened(x, far) * stride_x)[:, None] + index
    pair = (b * (steps - 1) + t) * taps * cells + cell
    return cell, y, x, live, index, index < channels, own, start + stride_t, pair


@triton.jit
def widened(number: tl.tensor, far: tl.constexpr) -> tl.tensor:
    """As 64 bits where a frame has too many numbers for 32."""
    return number.to(tl.int64) if far else number


@triton.jit
def place(
    move: tl.tensor, tap: tl.tensor, location: tl.tensor, kernel_size: tl.constexpr, dilation: tl.constexpr
) -> tl.tensor:
    """A coordinate in cells: offset + tap + location, added up in the order of the reference."""
    return (move + (tap * dilation - (dilation * (kernel_size - 1) + 1) // 2)) + location


@triton.jit
def corners(
    y: tl.tensor, x: tl.tensor, live: tl.tensor, height: tl.tensor, width: tl.tensor, real: tl.tensor
) -> tl.tensor:
    """Row and column of the upper left corner, shares of the lower and the right ones, and which corners to read.

    None is read for a place outside, or for one that is not a number.
    """
    inside = live & (y > -1) & (y < height) & (x > -1) & (x < width)
    y, x = tl.where(inside, y, -1.0), tl.where(inside, x, -1.0)
    top, left = tl.floor(y), tl.floor(x)
    row, column = top.to(tl.int32), left.to(tl.int32)
    north, south = inside & (row >= 0), inside & (row + 1 < height)
    west, east = column >= 0, column + 1 < width
    masks = (
        (north & west)[:, None] & real, (north & east)[:, None] & real,
        (south & west)[:, None] & real, (south & east)[:, None] & real,
    )  # fmt: skip
    return row, column, (y - top)[:, None], (x - left)[:, None], masks


@triton.jit
def read(first: tl.tensor, stride_y: tl.tensor, stride_x: tl.tensor, masks: tl.tensor, kind: tl.constexpr) -> tl.tensor:
    """The four corners from the first one's address; 0 for those that are not to be read."""
    below = first + stride_y
    return (
        tl.load(first, masks[0], 0.0).to(kind), tl.load(first + stride_x, masks[1], 0.0).to(kind),
        tl.load(below, masks[2], 0.0).to(kind), tl.load(below + stride_x, masks[3], 0.0).to(kind),
    )  # fmt: skip


@triton.jit
def mix(v: tl.tensor, bottom: tl.tensor, right: tl.tensor) -> tl.tensor:
    """The bilinear value between four corners."""
    return (1 - bottom) * ((1 - right) * v[0] + right * v[1]) + bottom * ((1 - right) * v[2] + right * v[3])


@triton.jit
def add(
    first: tl.tensor, stride_y: tl.tensor, stride_x: tl.tensor, masks: tl.tensor, bottom: tl.tensor, right: tl.tensor,
    value: tl.tensor,
) -> None:  # fmt: skip
    """Add a sampled value's gradient to its four corners, from the first one's address: `read` and `mix` the other way."""
    tl.atomic_add(first, (1 - bottom) * (1 - right) * value, masks[0], sem="relaxed")
    tl.atomic_add(first + stride_x, (1 - bottom) * right * value, masks[1], sem="relaxed")
    tl.atomic_add(first + stride_y, bottom * (1 - right) * value, masks[2], sem="relaxed")
    tl.atomic_add(first + stride_y + stride_x, bottom * right * value, masks[3], sem="relaxed")
