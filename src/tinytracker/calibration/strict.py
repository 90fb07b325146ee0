"""Reading nested frozen dataclasses from JSON, strictly: every field there, of its type, finite and in its
range.

What comes from a file was perhaps edited, cut off or made to harm; nothing of it may reach a computation
unlooked at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from tinytracker.damage import CUT_OFF, EMPTY, is_cut_json
from tinytracker.files import read_small

MOST_BYTES = 1_000_000
MOST_ITEMS = 1000
MOST_TEXT = 1000


class Malformed(ValueError):
    """What is wrong and where, in words."""


def read_json(path: Path) -> Any:
    """A JSON file's content; raises Malformed for what is no regular file, too large, too deep, not JSON or
    has NaN in it, and OSError."""
    try:
        content = read_small(path, MOST_BYTES)
    except ValueError as error:
        raise Malformed(str(error)) from error
    if not content.strip():
        raise Malformed(EMPTY)
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        is_cut = is_cut_json(content.decode(errors="replace"), error)
        raise Malformed(
            f"{CUT_OFF} in line {error.lineno}" if is_cut else f"it is not JSON ({error})"
        ) from error
    except RecursionError as error:
        raise Malformed("it is nested too deeply") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise Malformed(f"it is not JSON ({error})") from error


def decode(kind: Any, value: Any, ranges: Mapping[str, tuple[float, float]], where: str = "") -> Any:
    """`value` as a `kind`: a dataclass, float, int, bool, str, tuple of these, or one of them or None.

    ranges: by the field's name, the least and the largest of its numbers (inclusive). where: the field, for
    messages.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in arguments:
            return None
        (inner,) = [argument for argument in arguments if argument is not NoneType]
        return decode(inner, value, ranges, where)
    if origin is tuple:
        return _decode_tuple(arguments, value, ranges, where)
    if is_dataclass(kind):
        return _decode_dataclass(kind, value, ranges, where)
    if kind is str:
        if not isinstance(value, str) or len(value) > MOST_TEXT:
            raise Malformed(f"{where} must be a text of at most {MOST_TEXT} characters")
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise Malformed(f"{where} must be true or false, not {_short(value)}")
        return value
    return _decode_number(kind, value, ranges, where)


def _decode_dataclass(kind: Any, value: Any, ranges: Mapping[str, tuple[float, float]], where: str) -> Any:
    if not isinstance(value, dict):
        raise Malformed(f"{where or 'it'} must be an object, not {_short(value)}")
    hints = _hints(kind)
    wanted = [field.name for field in fields(kind)]
    if missing := [name for name in wanted if name not in value]:
        raise Malformed(f"{_join(where, missing[0])} is missing")
    if unknown := sorted(set(value) - set(wanted)):
        raise Malformed(f"{_join(where, _short(unknown[0]))} is not known")
    return kind(**{name: decode(hints[name], value[name], ranges, _join(where, name)) for name in wanted})


def _decode_tuple(arguments: Any, value: Any, ranges: Mapping[str, tuple[float, float]], where: str) -> Any:
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise Malformed(f"{where} must be a list of at most {MOST_ITEMS}, not {_short(value)}")
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(value) != len(arguments):
        raise Malformed(f"{where} must have {len(arguments)} entries, not {len(value)}")
    pairs = enumerate(zip(arguments, value, strict=True))
    return tuple(decode(inner, item, ranges, f"{where}[{index}]") for index, (inner, item) in pairs)


def _decode_number(kind: Any, value: Any, ranges: Mapping[str, tuple[float, float]], where: str) -> Any:
    accepted = int if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise Malformed(
            f"{where} must be {'a whole number' if kind is int else 'a number'}, not {_short(value)}"
        )
    least, most = ranges.get(where.rsplit(".", 1)[-1].split("[")[0], (-1e9, 1e9))
    if not least <= value <= most or not math.isfinite(
        value
    ):  # a comparison first: an int may be too large for isfinite
        raise Malformed(f"{where} must lie between {least:g} and {most:g}, not {_short(value)}")
    return kind(value)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _refuse_constant(name: str) -> None:
    raise Malformed(f"{name} is no number")


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**15 else "a huge number"
    return text if len(text) <= 40 else f"{text[:37]}..."
