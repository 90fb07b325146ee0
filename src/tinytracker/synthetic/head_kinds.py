"""The kinds of heads that people may have. Apart from person.py, as commands need the names before numba."""

from __future__ import annotations

from typing import Literal, get_args

from tinytracker.errors import UsageError

HeadKind = Literal["makehuman", "ict"]
HEAD_KINDS: tuple[HeadKind, ...] = get_args(HeadKind)
_GONE = ("procedural", "both")  # heads from formulas, and a coin between these and ICT's


def head_kind(name: str) -> HeadKind:
    """The kind of heads of that name; raises UsageError if there is none.

    >>> head_kind("ict")
    'ict'
    """
    for kind in HEAD_KINDS:
        if name == kind:
            return kind
    if name in _GONE:
        raise UsageError(
            f"--heads {name} is gone: networks learn as well without heads made by formulas; use makehuman, "
            f"the default, or ict with --ict-path"
        )
    raise UsageError(f"heads should be {' or '.join(HEAD_KINDS)}, not {name!r}")
