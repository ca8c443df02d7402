"""What `maniple.report()` shows: the machine, what the runtime did, and what fell back to NumPy."""

import os
from typing import Any

from . import _fallback, _maniple

_HEADINGS = ("function", "where", "calls", "moved", "time")


class Report:
    """A snapshot of the session; `rows` holds a row per call site that fell back, the slowest first."""

    def __init__(self) -> None:
        self.machine: Any = _maniple.machine()
        self.statistics: dict[str, Any] = dict(_maniple.statistics())
        self.rows = _fallback.rows()

    def __repr__(self) -> str:
        parts = [f"machine: {_one_line(self.machine)}"]
        if self.statistics:
            parts.append(
                "runtime: " + ", ".join(f"{name} {_number(n)}" for name, n in self.statistics.items())
            )
        parts.append(self._table())
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        import html

        head = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
            for cells in self._cells()
        )
        statistics = ", ".join(f"{name} {_number(n)}" for name, n in self.statistics.items())
        return (
            f"<p>{html.escape(_one_line(self.machine))}</p><p>{html.escape(statistics)}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                f"numpy.{row.name}",
                f"{_short(row.file)}:{row.line}",
                str(row.count),
                _bytes(row.bytes),
                _time(row.seconds),
            )
            for row in self.rows
        ]

    def _table(self) -> str:
        if not self.rows:
            return "fallbacks to NumPy: none"
        lines = [_HEADINGS, *self._cells()]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
        rendered = [
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths))
            ).rstrip()
            for line in lines
        ]
        return "fallbacks to NumPy:\n  " + "\n  ".join(rendered)


def _one_line(machine: dict[str, Any]) -> str:
    return " ".join(machine["text"].split())


def _short(path: str) -> str:
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return min(path, relative, key=len)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _bytes(count: int) -> str:
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError


def _time(seconds: float) -> str:
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{seconds / scale:.2f} {unit}"
    return f"{seconds * 1e6:.0f} us"
