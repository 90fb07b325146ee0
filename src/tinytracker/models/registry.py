"""Networks by name: a builder is a function whose name is the model's, registered by a decorator when the
package is imported.

Such as create_model("tinytracker", size_px=112, padding="same").
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tinytracker.errors import UsageError
from tinytracker.models.network import Network

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
        raise UsageError(f"no model {name!r}; there are {', '.join(sorted(_BUILDERS))}")
    builder = _BUILDERS[name]
    known = inspect.signature(builder).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UsageError(
            f"model {name} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
        )
    try:
        network = builder(**options)
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        if not options:
            raise
        raise UsageError(f"model {name} cannot be built with {options}: {error}") from error
    network.options = dict(options)
    return network
