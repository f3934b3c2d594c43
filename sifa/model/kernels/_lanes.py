"""Sixteen float32 numbers at once, for the loops that numba compiles: what a compiler does not find by itself, said outright.

LLVM splits them into what the processor has: one AVX-512 register, two of AVX2, four of SSE or NEON. Places in arrays are counted
without a sign, so that no code is made for indices from the end; nothing checks that they lie inside.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, models, register_model

LANES = 16
_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_UNSET = ir.Constant(_VECTOR, ir.Undefined)
_ALIGNMENT = 4  # bytes: rows begin anywhere

Typed = tuple[Any, Callable[..., Any]]  # what an intrinsic gives numba: its signature, and what writes its code


class Lanes(types.Type):
    """Numba's type for the sixteen numbers."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


@register_model(Lanes)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, lanes: Any) -> None:
        super().__init__(manager, lanes, _VECTOR)


lanes = Lanes()


def _place(context: Any, builder: Any, array_type: Any, array: Any, first: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [first]), _VECTOR.as_pointer())


def _mask(order: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)


@intrinsic
def load(typing: Any, array: Any, first: Any) -> Typed:
    """The numbers array[first : first + 16] of a flat float32 array."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(_place(context, builder, signature.args[0], *given), align=_ALIGNMENT)

    return lanes(array, types.uintp), code


@intrinsic
def store(typing: Any, array: Any, first: Any, value: Any) -> Typed:
    """Sets array[first : first + 16]."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        builder.store(given[2], _place(context, builder, signature.args[0], *given[:2]), align=_ALIGNMENT)
        return context.get_dummy_value()

    return types.void(array, types.uintp, lanes), code


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Typed:
    """a * b + c, in one step where the processor has one."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        product = builder.fmul(given[0], given[1], flags=("contract",))
        return builder.fadd(product, given[2], flags=("contract",))

    return lanes(lanes, lanes, lanes), code


@intrinsic
def splat(typing: Any, value: Any) -> Typed:
    """One number, sixteen times."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        first = builder.insert_element(_UNSET, given[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, _UNSET, _mask([0] * LANES))

    return lanes(types.float32), code


@intrinsic
def store_sums(typing: Any, array: Any, first: Any, a: Any, b: Any, c: Any, d: Any) -> Typed:
    """Sets array[first : first + 4] to the sums of the sixteen numbers in each of a, b, c, d."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array, first, *parts = given
        for width in (8, 4):  # halves of two are added at once: a b, c d; then quarters of all four
            low = [lane // width * 2 * width + lane % width for lane in range(LANES)]
            high = [lane + width for lane in low]
            pairs = zip(parts[::2], parts[1::2])
            halves = [[builder.shuffle_vector(one, other, _mask(part)) for part in (low, high)] for one, other in pairs]
            parts = [builder.fadd(*each) for each in halves]
        (sums,) = parts
        for apart in (2, 1):
            moved = builder.shuffle_vector(sums, _UNSET, _mask([lane ^ apart for lane in range(LANES)]))
            sums = builder.fadd(sums, moved)
        four = builder.shuffle_vector(sums, _UNSET, _mask([0, 4, 8, 12]))
        pointer = builder.bitcast(_place(context, builder, signature.args[0], array, first), four.type.as_pointer())
        builder.store(four, pointer, align=_ALIGNMENT)
        return context.get_dummy_value()

    return types.void(array, types.uintp, lanes, lanes, lanes, lanes), code


@intrinsic
def transpose(typing: Any, source: Any, first: Any, step: Any, target: Any, begin: Any, stride: Any) -> Typed:
    """A square of 16 x 16 numbers, from rows `step` apart in one flat array, as columns to rows `stride` apart in another."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        source, first, step, target, begin, stride = given
        rows = []
        for _ in range(LANES):
            rows.append(builder.load(_place(context, builder, signature.args[0], source, first), align=_ALIGNMENT))
            first = builder.add(first, step)
        for half in (8, 4, 2, 1):  # squares of half x half change places across the diagonal
            for i in (i for i in range(LANES) if not i & half):
                a, b = rows[i], rows[i | half]
                upper = [LANES + (lane ^ half) if lane & half else lane for lane in range(LANES)]
                lower = [LANES + lane if lane & half else lane ^ half for lane in range(LANES)]
                rows[i], rows[i | half] = (builder.shuffle_vector(a, b, _mask(order)) for order in (upper, lower))
        for row in rows:
            builder.store(row, _place(context, builder, signature.args[3], target, begin), align=_ALIGNMENT)
            begin = builder.add(begin, stride)
        return context.get_dummy_value()

    return types.void(source, types.uintp, types.uintp, target, types.uintp, types.uintp), code
