"""Plain text of at most 100 columns: paragraphs, tables and single lines. What other people wrote is made safe for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lm_eval_illusion.escaping import for_terminal

WIDTH = 100
"""The most columns of a line. An ideograph takes two."""


def paragraph(text: str, indent: int = 0, hanging: int | None = None) -> list[str]:
    """Return the lines of a paragraph, broken between words, and within a word that is longer than a line.

    Args:
        text: Any text; its line breaks count as blanks.
        indent: Blanks before the first line.
        hanging: Blanks before the other lines, as many as `indent` if None.
    """
    from rich.cells import cell_len, chop_cells

    lines: list[str] = []
    line = " " * indent
    following = " " * (indent if hanging is None else hanging)
    is_empty = True
    for word in map(for_terminal, text.split()):
        if not is_empty and cell_len(line) + 1 + cell_len(word) > WIDTH:
            lines.append(line)
            line, is_empty = following, True
        first, *parts = chop_cells(word, WIDTH - len(following)) if cell_len(word) > WIDTH - len(following) else [word]
        line = line + first if is_empty else f"{line} {first}"
        for part in parts:
            lines.append(line)
            line = following + part
        is_empty = False
    return [*lines, line] if line.strip() else lines


def one_line(text: str, width: int = WIDTH) -> str:
    """Return a text as one line of at most `width` columns; one that is cut ends in an ellipsis."""
    from rich.cells import cell_len, set_cell_size

    line = for_terminal(" ".join(text.split()))
    return line if cell_len(line) <= width else f"{set_cell_size(line, width - 1).rstrip()}…"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], indent: int = 2) -> list[str]:
    """Return the lines of a table: the first column to the left, the others to the right. A "\\n" in a heading breaks it."""
    from rich.cells import cell_len

    broken = [heading.split("\n") for heading in headings]
    height = max(map(len, broken))
    above = [[*[""] * (height - len(parts)), *parts] for parts in broken]
    lines = [[column[number] for column in above] for number in range(height)]
    lines += [list(map(for_terminal, row)) for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    return [" " * indent + _aligned(line, widths) for line in lines]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    from rich.cells import cell_len

    gaps = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join([cells[0] + gaps[0], *(gap + cell for gap, cell in zip(gaps[1:], cells[1:], strict=True))]).rstrip()
