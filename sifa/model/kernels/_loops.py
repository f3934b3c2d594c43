"""The operator's loops, for numba to compile: one location after another, every cell that its points touch read once.

The K x K points of a location touch 4 K K corners, but far fewer distinct cells. The corners' weights are added up per cell
first; then a value's dot product is a weighted sum of the cells' dot products, and the sum over the values is a weighted sum of
the cells. Position 0 in a location's list stands for everything outside the map: its dot product is 0 and nothing is read there.

Maps are flat float32 arrays of rows, one per cell, of C channels; C is a multiple of `_rows.STEP`. N = K K points, P = T - 1 pairs.
"""

from typing import Any

import numpy as np
from numba import njit

from sifa.model.kernels._lanes import LANES, transpose
from sifa.model.kernels._rows import combine, dots, spread, two_dots

U = np.uint64
_ZERO, _ONE, _TWO, _THREE, _FOUR = U(0), U(1), U(2), U(3), U(4)

Array = np.ndarray[Any, Any]


@njit(error_model="numpy")
def _places(row: int, dy: Array, dx: Array, tap: Array, height: int, width: int, cell: Array, weight: Array) -> None:
    """Corners of one point of a row's locations, from their offsets (W,): cells and weights, (W 4,)."""
    one, bottom_edge, right_edge = np.float32(1), np.float32(height), np.float32(width)
    outside, down = np.int32(height * width), np.int32(width)
    for j in range(U(width)):
        y = np.float32(row) + (dy[j] + tap[0])
        x = np.float32(np.int32(j)) + (dx[j] + tap[1])
        inside = (y > -one) & (y < bottom_edge) & (x > -one) & (x < right_edge)  # not so for NaN
        y, x = y if inside else -one, x if inside else -one
        top, left = np.floor(y), np.floor(x)
        bottom, right = y - top, x - left
        upper, lower = top >= 0, (top < bottom_edge - one) & inside
        first, second = left >= 0, (left < right_edge - one) & inside
        at, k = np.int32(top) * down + np.int32(left), _FOUR * j
        cell[k] = at if upper & first else outside
        cell[k + _ONE] = at + np.int32(1) if upper & second else outside
        cell[k + _TWO] = at + down if lower & first else outside
        cell[k + _THREE] = at + down + np.int32(1) if lower & second else outside
        weight[k] = (one - bottom) * (one - right)
        weight[k + _ONE] = (one - bottom) * right
        weight[k + _TWO] = bottom * (one - right)
        weight[k + _THREE] = bottom * right


@njit
def _distinct(cell: Array, j: int, channels: int, mark: int, seen: Array, at: Array, slot: Array) -> int:
    """The distinct cells of location j: their rows' places into at[1:], each corner's number there into slot.

    Returns one more than their number. `seen` (cells + 1) remembers the numbers; `mark` tells this location's from older ones.
    """
    count = 1
    seen[len(seen) - 1] = mark  # outside: number 0
    for n in range(U(len(cell))):
        for corner in (_ZERO, _ONE, _TWO, _THREE):
            c = U(cell[n, _FOUR * U(j) + corner])
            number = seen[c] - mark
            new = number < 0
            number = count if new else number  # without a branch, which could not be foreseen
            seen[c] = number + mark
            at[U(number)] = c * U(channels)
            slot[_FOUR * n + corner] = number
            count += new
    for k in range(count, count + 3):
        at[k] = at[1] if count > 1 else U(0)  # dot products are taken by fours
    return count


@njit
def _value_dots(weight: Array, j: int, slot: Array, found: Array, out: Array) -> None:
    """Dot products of the N values of location j, from those of the cells."""
    for n in range(U(len(out))):
        k, near = _FOUR * n, _FOUR * U(j)
        upper = weight[n, near] * found[U(slot[k])] + weight[n, near + _ONE] * found[U(slot[k + _ONE])]
        k, near = k + _TWO, near + _TWO
        out[n] = upper + weight[n, near] * found[U(slot[k])] + weight[n, near + _ONE] * found[U(slot[k + _ONE])]


@njit(error_model="numpy")
def _to_weights(value: Array, channels: int, softmax: bool) -> None:
    """Dot products -> weights, in place."""
    if not softmax:
        for n in range(len(value)):
            value[n] *= np.float32(1 / channels)
        return
    largest = value.max()
    scale, whole = np.float32(1 / np.sqrt(channels)), np.float32(0)
    for n in range(len(value)):
        value[n] = np.exp((value[n] - largest) * scale)
        whole += value[n]
    for n in range(len(value)):
        value[n] /= whole


@njit(error_model="numpy")
def _to_grad_dots(grad: Array, share: Array, channels: int, softmax: bool) -> None:
    """Gradients of a location's weights -> of its dot products, in place."""
    if not softmax:
        for n in range(len(grad)):
            grad[n] *= np.float32(1 / channels)
        return
    mean = np.float32(0)
    for n in range(len(grad)):
        mean += share[n] * grad[n]
    for n in range(len(grad)):
        grad[n] = share[n] * (grad[n] - mean) * np.float32(1 / np.sqrt(channels))


@njit
def _cell_shares(weight: Array, j: int, slot: Array, share: Array, count: int, out: Array) -> None:
    """Each cell's part in the sum of share[n] * value n, for location j."""
    for k in range(U(count)):
        out[k] = 0
    for n in range(U(len(share))):
        for corner in (_ZERO, _ONE, _TWO, _THREE):
            out[U(slot[_FOUR * n + corner])] += weight[n, _FOUR * U(j) + corner] * share[n]


@njit
def _two_shares(
    weight: Array, j: int, slot: Array, one: Array, two: Array, count: int, out1: Array, out2: Array
) -> None:  # fmt: skip
    """`_cell_shares` for two shares of the same points."""
    for k in range(U(count)):
        out1[k] = out2[k] = 0
    for n in range(U(len(one))):
        for corner in (_ZERO, _ONE, _TWO, _THREE):
            number, w = U(slot[_FOUR * n + corner]), weight[n, _FOUR * U(j) + corner]
            out1[number] += w * one[n]
            out2[number] += w * two[n]


@njit
def _moves(
    weight: Array, j: int, slot: Array, share: Array, grad_dots: Array, by_query: Array, by_grad: Array, out: Array
) -> None:
    """Gradients (N, 2, W) of the offsets of location j, from the cells' dot products with the query and with the gradient."""
    for n in range(U(len(share))):
        k, near = _FOUR * n, _FOUR * U(j)
        lowest = weight[n, near + _THREE]
        bottom, right = weight[n, near + _TWO] + lowest, weight[n, near + _ONE] + lowest
        s, g = share[n], grad_dots[n]
        a, b, c, d = U(slot[k]), U(slot[k + _ONE]), U(slot[k + _TWO]), U(slot[k + _THREE])
        change0, change1 = s * by_grad[a] + g * by_query[a], s * by_grad[b] + g * by_query[b]
        change2, change3 = s * by_grad[c] + g * by_query[c], s * by_grad[d] + g * by_query[d]
        out[n, 0, j] = (np.float32(1) - right) * (change2 - change0) + right * (change3 - change1)
        out[n, 1, j] = (np.float32(1) - bottom) * (change1 - change0) + bottom * (change3 - change2)


def forward(
    first: int, last: int, tokens: Array, offset: Array, taps: Array, channels: int, softmax: bool, out: Array,
    weights: Array,
) -> None:  # fmt: skip
    """Rows of locations first .. last - 1, of B P H.

    tokens and out (B T H W C) flat, offset (B, P, N, 2, H, W), taps (N, 2), weights (B, P, H, W, N). `channels` is the number that
    is divided by; C may be larger.
    """
    _, pairs, points, _, height, width = offset.shape
    cells, size = height * width, len(tokens) // (offset.shape[0] * (pairs + 1))
    padded = size // cells
    cell, weight = np.empty((points, 4 * width), np.int32), np.empty((points, 4 * width), np.float32)
    seen, slot, at = np.zeros(cells + 1, np.int64), np.empty(4 * points, np.int64), np.empty(4 * points + 4, U)
    found, share, mark = np.zeros(4 * points + 4, np.float32), np.empty(4 * points + 4, np.float32), 0
    for line in range(first, last):
        b, p, row = line // (height * pairs), line // height % pairs, line % height
        query = (b * (pairs + 1) + p) * size + row * width * padded
        rows = tokens[(b * (pairs + 1) + p + 1) * size : (b * (pairs + 1) + p + 2) * size]
        for n in range(points):
            _places(row, offset[b, p, n, 0, row], offset[b, p, n, 1, row], taps[n], height, width, cell[n], weight[n])
        for j in range(width):
            mark += 4 * points + 1
            count = _distinct(cell, j, padded, mark, seen, at, slot)
            dots(rows, at, count, tokens, query, padded, found)
            value = weights[b, p, row, j]
            _value_dots(weight, j, slot, found, value)
            _to_weights(value, channels, softmax)
            _cell_shares(weight, j, slot, value, count, share)
            combine(rows, at, share, count, padded, out, query)
            query += padded


def backward(
    first: int, last: int, odd: int, tokens: Array, offset: Array, taps: Array, channels: int, softmax: bool,
    weights: Array, grad: Array, grad_weights: Array, grad_tokens: Array, grad_offset: Array,
) -> None:  # fmt: skip
    """Pairs first .. last - 1 among those with even numbers, or `odd` ones, clip by clip: no two touch the same step.

    As in `forward`; grad and grad_tokens, which is added to, like the tokens; grad_weights (B, P, N, H, W), grad_offset like
    offset.
    """
    _, pairs, points, _, height, width = offset.shape
    cells, size, chosen = height * width, len(tokens) // (offset.shape[0] * (pairs + 1)), (pairs + 1 - odd) // 2
    padded = size // cells
    cell, weight = np.empty((points, 4 * width), np.int32), np.empty((points, 4 * width), np.float32)
    seen, slot, at = np.zeros(cells + 1, np.int64), np.empty(4 * points, np.int64), np.empty(4 * points + 4, U)
    by_query, by_grad = np.zeros(4 * points + 4, np.float32), np.zeros(4 * points + 4, np.float32)
    grad_dots, mark = np.empty(points, np.float32), 0
    to_query, to_grad = np.empty(4 * points + 4, np.float32), np.empty(4 * points + 4, np.float32)
    for pair in range(first, last):
        b, p = pair // chosen, pair % chosen * 2 + odd
        query = (b * (pairs + 1) + p) * size
        rows, grad_rows = tokens[query + size : query + 2 * size], grad_tokens[query + size : query + 2 * size]
        for row in range(height):
            for n in range(points):
                _places(
                    row, offset[b, p, n, 0, row], offset[b, p, n, 1, row], taps[n], height, width, cell[n], weight[n]
                )
            for j in range(width):
                mark += 4 * points + 1
                count = _distinct(cell, j, padded, mark, seen, at, slot)
                two_dots(rows, at, count, tokens, grad, query, padded, by_query, by_grad)
                share = weights[b, p, row, j]
                _value_dots(weight, j, slot, by_grad, grad_dots)
                for n in range(points):
                    grad_dots[n] += grad_weights[b, p, n, row, j]
                _to_grad_dots(grad_dots, share, channels, softmax)
                _moves(weight, j, slot, share, grad_dots, by_query, by_grad, grad_offset[b, p, :, :, row])
                _two_shares(weight, j, slot, share, grad_dots, count, to_grad, to_query)
                spread(
                    rows, grad_rows, at, to_grad, to_query, count, padded, tokens, grad, grad_tokens, query
                )  # fmt: skip
                query += padded


def turn(
    first: int, last: int, source: Array, source_at: Array, source_step: int, target: Array, target_at: Array,
    target_step: int, height: int, width: int, by_columns: bool,
) -> None:  # fmt: skip
    """Transposes tables first .. last - 1, each height x width, both at least 16, between two flat arrays.

    Table k begins at source_at[k] and target_at[k]; its rows are source_step, its columns target_step apart. By columns, or by
    rows: the inner loop should go along what lies far apart, so that few places of memory are in use at once.
    """
    outer, inner = (width, height) if by_columns else (height, width)
    for k in range(first, last):
        for one in range(0, outer, LANES):
            for other in range(0, inner, LANES):
                row, column = (other, one) if by_columns else (one, other)
                top, left = min(row, height - LANES), min(column, width - LANES)  # the last may overlap those before
                transpose(
                    source, U(source_at[k] + top * source_step + left), U(source_step),
                    target, U(target_at[k] + left * target_step + top), U(target_step),
                )  # fmt: skip
