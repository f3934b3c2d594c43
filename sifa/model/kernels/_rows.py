"""What is done with the rows of a location's cells: loops over channels, for numba to compile, as parts of those in `_loops`.

Rows lie in flat float32 arrays, and a row is named by the place where it begins; it has C channels, a multiple of STEP. Of a list
of rows, number 0 stands for what is outside the map, and is left out.

Numba sees a change of `_loops.py` and compiles anew, but not a change of this file or of `_lanes.py`: touch that one too.
"""

from typing import Any

import numpy as np
from numba import njit

from sifa.model.kernels._lanes import LANES, fma, load, splat, store, store_sums

STEP = 2 * LANES  # channels are worked on in such steps
U = np.uint64
_ZERO, _ONE, _TWO, _THREE, _FOUR = U(0), U(1), U(2), U(3), U(4)
_LANES, _STEP, _WIDE = U(LANES), U(STEP), U(2 * STEP)

Array = np.ndarray[Any, Any]


@njit
def dots(rows: Array, at: Array, count: int, query: Array, first: int, channels: int, found: Array) -> None:
    """found[k] = <row at[k], query at first>, for k from 1 on."""
    for k in range(U(1), U(count), _FOUR):
        a, b, c, d = at[k], at[k + _ONE], at[k + _TWO], at[k + _THREE]
        sum0 = splat(np.float32(0))
        sum1, sum2, sum3 = sum0, sum0, sum0
        for i in range(U(0), U(channels), _LANES):
            q = load(query, U(first) + i)
            sum0, sum1 = fma(load(rows, a + i), q, sum0), fma(load(rows, b + i), q, sum1)
            sum2, sum3 = fma(load(rows, c + i), q, sum2), fma(load(rows, d + i), q, sum3)
        store_sums(found, k, sum0, sum1, sum2, sum3)


@njit
def two_dots(
    rows: Array, at: Array, count: int, one: Array, two: Array, first: int, channels: int, found1: Array, found2: Array
) -> None:
    """`dots` with the rows at first of two arrays, which are like each other."""
    for k in range(U(1), U(count), _FOUR):
        a, b, c, d = at[k], at[k + _ONE], at[k + _TWO], at[k + _THREE]
        sum0 = splat(np.float32(0))
        sum1, sum2, sum3, sum4, sum5, sum6, sum7 = sum0, sum0, sum0, sum0, sum0, sum0, sum0
        for i in range(U(0), U(channels), _LANES):
            q1, q2 = load(one, U(first) + i), load(two, U(first) + i)
            row0, row1, row2, row3 = load(rows, a + i), load(rows, b + i), load(rows, c + i), load(rows, d + i)
            sum0, sum1, sum2, sum3 = fma(row0, q1, sum0), fma(row1, q1, sum1), fma(row2, q1, sum2), fma(row3, q1, sum3)
            sum4, sum5, sum6, sum7 = fma(row0, q2, sum4), fma(row1, q2, sum5), fma(row2, q2, sum6), fma(row3, q2, sum7)
        store_sums(found1, k, sum0, sum1, sum2, sum3)
        store_sums(found2, k, sum4, sum5, sum6, sum7)


@njit
def combine(rows: Array, at: Array, share: Array, count: int, channels: int, out: Array, first: int) -> None:
    """Row of out at first = sum over k from 1 on of share[k] * row at[k]."""
    half = U(channels) % _WIDE  # a step of half the width, or none
    for i in range(U(0), half, _STEP):
        sum0 = splat(np.float32(0))
        sum1 = sum0
        for k in range(U(1), U(count)):
            here, weight = at[k] + i, splat(share[k])
            sum0, sum1 = fma(load(rows, here), weight, sum0), fma(load(rows, here + _LANES), weight, sum1)
        store(out, U(first) + i, sum0)
        store(out, U(first) + i + _LANES, sum1)
    for i in range(half, U(channels), _WIDE):
        sum0 = splat(np.float32(0))
        sum1, sum2, sum3 = sum0, sum0, sum0
        for k in range(U(1), U(count)):
            here, weight = at[k] + i, splat(share[k])
            sum0, sum1 = fma(load(rows, here), weight, sum0), fma(load(rows, here + _LANES), weight, sum1)
            here += _STEP
            sum2, sum3 = fma(load(rows, here), weight, sum2), fma(load(rows, here + _LANES), weight, sum3)
        for part, value in ((_ZERO, sum0), (_ONE, sum1), (_TWO, sum2), (_THREE, sum3)):
            store(out, U(first) + i + part * _LANES, value)


@njit
def spread(
    rows: Array, grad_rows: Array, at: Array, by_grad: Array, by_query: Array, count: int, channels: int,
    query: Array, grad: Array, grad_query: Array, first: int,
) -> None:  # fmt: skip
    """For k from 1 on: grad row at[k] += by_grad[k] * grad + by_query[k] * query; grad_query += by_query[k] * row at[k].

    Rows of query, grad and grad_query are those at first.
    """
    half = U(channels) % _WIDE
    for i in range(U(0), half, _STEP):
        here, there = U(first) + i, U(first) + i + _LANES
        query0, query1 = load(query, here), load(query, there)
        grad0, grad1 = load(grad, here), load(grad, there)
        sum0, sum1 = load(grad_query, here), load(grad_query, there)
        for k in range(U(1), U(count)):
            a, b = splat(by_grad[k]), splat(by_query[k])
            sum0, sum1 = _two_rows(rows, grad_rows, at[k] + i, a, b, query0, query1, grad0, grad1, sum0, sum1)
        store(grad_query, here, sum0)
        store(grad_query, there, sum1)
    for i in range(half, U(channels), _WIDE):
        place0, place1 = U(first) + i, U(first) + i + _LANES
        place2, place3 = place0 + _STEP, place1 + _STEP
        query0, query1, query2, query3 = (
            load(query, place0),
            load(query, place1),
            load(query, place2),
            load(query, place3),
        )
        grad0, grad1, grad2, grad3 = load(grad, place0), load(grad, place1), load(grad, place2), load(grad, place3)
        sum0, sum1 = load(grad_query, place0), load(grad_query, place1)
        sum2, sum3 = load(grad_query, place2), load(grad_query, place3)
        for k in range(U(1), U(count)):
            a, b, here = splat(by_grad[k]), splat(by_query[k]), at[k] + i
            sum0, sum1 = _two_rows(rows, grad_rows, here, a, b, query0, query1, grad0, grad1, sum0, sum1)
            sum2, sum3 = _two_rows(rows, grad_rows, here + _STEP, a, b, query2, query3, grad2, grad3, sum2, sum3)
        store(grad_query, place0, sum0)
        store(grad_query, place1, sum1)
        store(grad_query, place2, sum2)
        store(grad_query, place3, sum3)


@njit
def _two_rows(
    rows: Array, grad_rows: Array, here: Any, a: Any, b: Any, query0: Any, query1: Any, grad0: Any, grad1: Any,
    sum0: Any, sum1: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """Two vectors of one row in `spread`; returns what the query's gradient comes to."""
    there = here + _LANES
    sum0, sum1 = fma(load(rows, here), b, sum0), fma(load(rows, there), b, sum1)
    store(grad_rows, here, fma(a, grad0, fma(b, query0, load(grad_rows, here))))
    store(grad_rows, there, fma(a, grad1, fma(b, query1, load(grad_rows, there))))
    return sum0, sum1
