"""All benchmark cases. Each is written once, for any array module with NumPy's names."""

from fnmatch import fnmatchcase

import kernels
import linear
import overhead
import programs
from case import Case

CASES: list[Case] = [*overhead.CASES, *programs.CASES, *kernels.CASES, *linear.CASES]
GROUPS: list[str] = sorted({case.group for case in CASES})


def find(group: str, name: str) -> Case:
    """The one case of that group and name."""
    return next(case for case in CASES if (case.group, case.name) == (group, name))


def select(group: str | None, pattern: str | None) -> list[Case]:
    """Cases of a group whose name holds `pattern` or matches it as a file name would, whatever its case.

    Several patterns are separated by `|`.
    """
    wanted = (pattern or "").lower().split("|")
    return [
        case
        for case in CASES
        if group in (None, case.group)
        and any(part in case.name.lower() or fnmatchcase(case.name.lower(), part) for part in wanted)
    ]
