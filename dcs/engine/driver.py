"""The compiled driver: copies links and calls the kernel of every run of one scan class, by address.

Copied into the cache directory and imported from there by ``dcs.engine.kernels`` (Numba finds a cached function by its
file). Needs nothing but Numba, so that its file is all that its cached code depends on.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
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


@njit(
    "void(int64[::1], int64, int64[:, ::1], uint32[:, ::1], int64, float64, float64, int64)",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def run_class(words, base, runs, wires, reads, dt_s, elapsed_s, time_ns):  # type: ignore[no-untyped-def]
    """One scan class: ``runs`` rows are (kernel address or 0, first word, count, first wire, last wire + 1, subject, first
    of the words to read)

    ``wires`` rows are (target word, source of it, source of the next one), see ``dcs.engine.tables``. Unsigned numbers:
    a signed index would be asked whether it counts from the end.
    """
    one = np.uint64(1)
    for row in range(runs.shape[0]):
        for wire in range(np.uint64(runs[row, 3]), np.uint64(runs[row, 4])):
            target = np.uint64(wires[wire, 0])
            first, second = words[np.uint64(wires[wire, 1])], words[np.uint64(wires[wire, 2])]
            words[target] = first
            words[target + one] = second
        if runs[row, 0] != 0:
            call_kernel(
                runs[row, 0], base, base, words.shape[0], base + 8 * runs[row, 1], runs[row, 2],
                reads + 4 * runs[row, 6], dt_s, elapsed_s, time_ns, runs[row, 5],
            )  # fmt: skip
