"""Options that would do nothing in some combination: they are refused, as whoever gives one expects
something of it."""

from __future__ import annotations

from tinytracker.errors import UsageError


def refuse_idle(where: str, **given: object) -> None:
    """Raises UsageError for an option that was given where it means nothing.

    where: follows "means nothing", such as "without --calibration". given: options by their names with _ for
    -; None, False and an empty list are not given.

    >>> refuse_idle("without --calibration", strict=False)
    """
    for name, value in given.items():
        if value is not None and value is not False and value != []:
            raise UsageError(f"--{name.replace('_', '-')} means nothing {where}; leave it out")
