"""``monitor: true`` of a module: the block that watches its loop, wired by itself.

Called by   ``dcs.config.control_check``, once everything that people have wired is checked.
Knows       which words of a controller the loop monitor reads. They are no terminals of the controller, so nobody could
            wire them by hand; for the engine a link may start at any word.
"""

import dcs.blocks.library  # noqa: F401  (fills BLOCK_TYPES)
from dcs.blocks.declare import BLOCK_TYPES
from dcs.config.block_check import Block
from dcs.config.problems import Problems
from dcs.config.schema import BlockSection
from dcs.config.source import Document
from dcs.engine.strategy import Link

NAME = "monitor"
READS = {"pv": "pv", "sp": "sp_wrk", "out": "out", "loop_mode": "mode", "loop_normal": "normal"}
"""Terminal of the monitor: field of the controller."""
READS_IF_THERE = {"tuned_dead_s": "tune_l_s"}
SCALES = ("pv_scale", "out_scale")


def monitor_of(
    module: str, main: Block | None, names: list[str], document: Document, problems: Problems
) -> tuple[Block, list[Link]] | None:
    """The monitor of a module and its links; None, with a problem, where there is nothing to watch.

    ``names`` are those of the module's blocks; ``main`` is None when it has an error of its own.
    """
    path = ("modules", module, NAME)
    place = document.place(path)
    if main is None:
        return None
    if NAME in names:
        problems.add(
            document.place(("modules", module, "blocks", NAME)),
            f"{module}: with `monitor: true` the name `{NAME}` is that of the loop monitor. Rename this block.",
        )
        return None
    if not all(main.type.has(field) for field in (*READS.values(), *(f"{scale}_low" for scale in SCALES))):
        problems.add(
            place,
            f"{module}: a loop monitor watches a PID, but the main block is {main.short_name} ({main.type.name}). "
            "Delete `monitor`, or name the PID as `main`.",
        )
        return None
    section = BlockSection(type="LOOP_MONITOR", description=f"Performance of {module}")
    block = Block(module, NAME, BLOCK_TYPES["LOOP_MONITOR"], section, path, document)
    for scale in SCALES:
        for end in ("low", "high"):
            block.params[f"{scale}_{end}"] = main.value(f"{scale}_{end}")
        if scale in main.scale_units:
            block.scale_units[scale] = main.scale_units[scale]
    reads = READS | {terminal: field for terminal, field in READS_IF_THERE.items() if main.type.has(field)}
    return block, [Link(f"{main.name}.{field}", f"{block.name}.{terminal}", place) for terminal, field in reads.items()]
