"""Networks by name: a builder is a function whose name is the model's, registered by a decorator when the
package is imported.

Such as create_model("tinytracker", size_px=112, padding="same").
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from difflib import get_close_matches
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch

from tinytracker.cards import input_faults
from tinytracker.errors import UsageError
from tinytracker.models.network import Network, example_inputs

_BUILDERS: dict[str, Callable[..., Network]] = {}


def register(builder: Callable[..., Network]) -> Callable[..., Network]:
    """Decorator: `builder` becomes a model of its own name; its keyword arguments are the model's options."""
    _BUILDERS[builder.__name__] = builder
    return builder


def list_models() -> list[str]:
    """The names create_model knows, sorted."""
    return sorted(_BUILDERS)


def create_model(name: str, **options: Any) -> Network:
    """Builds a network with fresh weights from torch's global generator (seed it first: `torch.manual_seed`).

    Raises UsageError for a name or an option that does not exist, or a value that none is built with.
    """
    if name not in _BUILDERS:
        near = get_close_matches(name, _BUILDERS, 1)
        raise UsageError(
            f"no model {name!r}{f' (did you mean {near[0]}?)' if near else ''}; there are "
            f"{', '.join(sorted(_BUILDERS))}"
        )
    builder = _BUILDERS[name]
    known = inspect.signature(builder).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UsageError(
            f"model {name} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
        )
    if options:
        _refuse_unbuildable(name, builder, options)
    network = builder(**options)
    network.options = dict(options)
    return network


def _refuse_unbuildable(name: str, builder: Callable[..., Network], options: dict[str, Any]) -> None:
    """Raises UsageError, naming the option where one alone is wrong, unless a network can be built and run
    with these. Nothing is computed and no memory is taken for it."""
    hints = get_type_hints(builder)
    for option, value in options.items():
        least = 0 if option in _may_be_0() else 1
        if not _is_of(value, hints[option], least):
            raise UsageError(
                f"model {name} cannot be built with {option} {value!r}; expected "
                f"{_words(hints[option], least)}"
            )
    try:
        with torch.device("meta"), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, of layers without a number
            network = builder(**options).to("meta").eval()
            faults = [fault for spec in network.spec.inputs for fault in input_faults(spec)]
            if not faults:
                network(*(tensor.to("meta") for tensor in example_inputs(network)))
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        if "meta tensors" in str(error):  # neurons that ask for a number, behind all weights
            return
        faults = [f"its layers do not go together then ({error})"]
    if faults:
        told = ", ".join(f"{option} {value!r}" for option, value in options.items())
        raise UsageError(f"model {name} cannot be built with {told}: {faults[0]}")


def _may_be_0() -> set[str]:
    """The options that some network has at 0 by default, which then stands for "none"."""
    return {
        option
        for builder in _BUILDERS.values()
        for option, known in inspect.signature(builder).parameters.items()
        if known.default == 0
    }


def _is_of(value: Any, hint: Any, least: int) -> bool:
    """Whether an option is of its type, and its numbers of at least `least`, real ones above `least` - 1."""
    if isinstance(hint, UnionType):
        return any(_is_of(value, one, least) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        return (
            isinstance(value, list | tuple)
            and len(value) == len(parts)
            and all(_is_of(one, part, least) for one, part in zip(value, parts, strict=True))
        )
    if hint is int:
        return type(value) is int and value >= least
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value) and (value > 0 or value == least)
    return isinstance(value, hint)


def _words(hint: Any, least: int) -> str:
    if isinstance(hint, UnionType):
        return " or ".join(_words(one, least) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    if get_origin(hint) is tuple:
        return f"[{', '.join(_words(one, least) for one in get_args(hint))}]"
    above = "above 0" if least else "of at least 0"
    words = {int: f"a whole number {above}", float: f"a number {above}", bool: "true or false"}
    return words.get(hint, "nothing")
