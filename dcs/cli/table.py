"""Plain text tables for a terminal."""


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Columns as wide as their content; a head that starts with ``>`` is aligned to the right."""
    names = [head.removeprefix(">") for head in heads]
    widths = [max(len(name), *(len(row[i]) for row in rows)) if rows else len(name) for i, name in enumerate(names)]

    def line(cells: list[str]) -> str:
        padded = [
            cell.rjust(width) if head.startswith(">") else cell.ljust(width)
            for cell, width, head in zip(cells, widths, heads, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(names), *(line(row) for row in rows)])
