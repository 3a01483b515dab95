"""The types of the translated C text: numbers, records of blocks, arrays in them, and several numbers at once.

Called by   the translator. Knows block declarations; no Python text.
"""

from dataclasses import dataclass

from dcs.blocks.declare import BlockType


@dataclass(frozen=True, slots=True)
class CType:
    """``kind``: f8, i8, bool, none, record, array (``element``; ``count`` 0 = not known), table (``parts``: its row),
    or tuple (of ``parts``)."""

    kind: str
    record: BlockType | None = None
    element: str = ""
    count: int = 0
    parts: tuple["CType", ...] = ()

    @property
    def is_number(self) -> bool:
        """May it take part in arithmetic?"""
        return self.kind in ("f8", "i8", "bool")

    @property
    def c(self) -> str:
        """How C spells it."""
        if self.kind == "record":
            assert self.record is not None
            return f"struct {self.record.name} *"
        if self.kind in ("array", "table"):
            return {"f8": "double *", "i8": "int64_t *", "u4": "const uint32_t *"}[self.element]
        if self.kind == "tuple":
            return "struct tuple_" + "".join("d" if part.kind == "f8" else "q" for part in self.parts)
        return {"f8": "double", "i8": "int64_t", "bool": "int64_t", "none": "void"}[self.kind]


F8, I8, BOOL, NONE = CType("f8"), CType("i8"), CType("bool"), CType("none")


def record_of(kind: BlockType) -> CType:
    """A pointer to a record of that type."""
    return CType("record", kind)


def array_of(element: str, count: int = 0) -> CType:
    """A pointer to numbers; ``count`` 0 where the length is not known (then an index is never negative)."""
    return CType("array", element=element, count=count)


def table_of(element: str, rows: int, columns: int) -> CType:
    """Rows of equal length, one after the other."""
    return CType("table", element=element, count=rows, parts=(array_of(element, columns),))


def joined(one: CType, other: CType) -> CType | None:
    """The type that holds both, as Numba chooses it: a float wins over an integer. None where there is none."""
    if one == other:
        return one
    if one.is_number and other.is_number:
        return F8 if "f8" in (one.kind, other.kind) else I8
    if one.kind == other.kind == "tuple" and len(one.parts) == len(other.parts):
        parts = [joined(a, b) for a, b in zip(one.parts, other.parts, strict=True)]
        return CType("tuple", parts=tuple(part for part in parts if part)) if all(parts) else None
    return None


def struct_text(kind: BlockType) -> str:
    """The record as a C struct: the same words in the same order."""
    lines = [
        f"    {'double' if f.dtype == 'f8' else 'int64_t'} f_{f.name}{f'[{f.count}]' if f.count > 1 else ''};"
        for f in kind.fields
    ]
    return "\n".join([f"struct {kind.name} {{", *lines, "};"])


def tuple_text(kind: CType) -> str:
    """The struct behind a tuple."""
    fields = " ".join(f"{part.c} p{n};" for n, part in enumerate(kind.parts))
    return f"{kind.c} {{ {fields} }};"
