"""The networks (torch): `create_model(name, **options)`, `list_models()`, `count(network)`."""

# Importing a network's module registers it.
from tinytracker.models import (  # noqa: F401
    eye_locator,
    itracker,
    pupil,
    retina,
    retina_ann,
    tinytracker,
    tinytracker_eyes,
    tinytracker_imx,
    tinytracker_s,
)
from tinytracker.models.count import count
from tinytracker.models.network import Network, NetworkSpec, example_inputs
from tinytracker.models.registry import create_model, list_models

__all__ = ["Network", "NetworkSpec", "count", "create_model", "example_inputs", "list_models"]
