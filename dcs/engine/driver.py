"""The compiled driver: copies links and calls the kernel of every run of one scan class, by address.

Copied into the cache directory and imported from there by ``dcs.engine.kernels`` (Numba finds a cached function by its
file). Needs nothing but Numba, so that its file is all that its cached code depends on.
"""

import numpy as np
from llvmlite import ir
from numba import carray, cfunc, types
from numba.extending import intrinsic


@intrinsic
def call_kernel(  # type: ignore[no-untyped-def]
    typingctx, address, words, numbers, word_count, records, count, reads, dt_s, elapsed_s, time_ns, subject
):
    """Call the kernel at ``address``; see ``dcs.engine.kernels.signature`` for its arguments."""
    signature = types.void(
        types.int64, types.int64, types.int64, types.int64, types.int64, types.int64, types.int64,
        types.float64, types.float64, types.int64, types.int64,
    )  # fmt: skip

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        pointer = ir.IntType(8).as_pointer()
        word, number = ir.IntType(64), ir.DoubleType()
        kernel_type = ir.FunctionType(
            ir.VoidType(), [pointer, pointer, word, pointer, word, pointer, number, number, word, word]
        )
        kernel = builder.inttoptr(arguments[0], kernel_type.as_pointer())
        at_words, at_numbers, total, at_records, count, at_reads, *rest = arguments[1:]
        builder.call(
            kernel,
            [
                builder.inttoptr(at_words, pointer),
                builder.inttoptr(at_numbers, pointer),
                total,
                builder.inttoptr(at_records, pointer),
                count,
                builder.inttoptr(at_reads, pointer),
                *rest,
            ],
        )
        return context.get_dummy_value()

    return signature, generate


@cfunc(
    "void(CPointer(int64), int64, int64, CPointer(int64), int64, CPointer(uint32), int64, int64, "
    "float64, float64, int64)",
    cache=True,
    error_model="numpy",
)
def run_class(  # type: ignore[no-untyped-def]
    words_at, word_count, base, rows_at, row_count, wires_at, wire_count, reads, dt_s, elapsed_s, time_ns
):
    """One scan class; ``rows`` are (kernel address or 0, first word, count, first wire, last wire + 1, subject, first
    of the words to read), ``wires`` (target word, source of it, source of the next one); see ``dcs.engine.tables``.

    It takes addresses: an array that is handed over costs an allocation each time. ``base`` is that of ``words`` as a
    number. Unsigned numbers: a signed index would be asked whether it counts from the end.
    """
    words = carray(words_at, word_count)
    rows = carray(rows_at, (row_count, 7))
    wires = carray(wires_at, (wire_count, 3))
    one = np.uint64(1)
    for row in range(row_count):
        for wire in range(np.uint64(rows[row, 3]), np.uint64(rows[row, 4])):
            target = np.uint64(wires[wire, 0])
            first, second = words[np.uint64(wires[wire, 1])], words[np.uint64(wires[wire, 2])]
            words[target] = first
            words[target + one] = second
        if rows[row, 0] != 0:
            call_kernel(
                rows[row, 0], base, base, word_count, base + 8 * rows[row, 1], rows[row, 2],
                reads + 4 * rows[row, 6], dt_s, elapsed_s, time_ns, rows[row, 5],
            )  # fmt: skip
