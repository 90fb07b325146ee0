"""Post-training quantisation by what it costs the output: channels balanced, ranges chosen, weights
rounded so that errors cancel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import Tensor

from tinytracker.models.network import Network
from tinytracker.progress import Stages, no_stages
from tinytracker.quantization.balance import balance
from tinytracker.quantization.clip import best_ranges
from tinytracker.quantization.weights import round_weights


@dataclass(frozen=True, slots=True)
class Fitted:
    """A folded network whose weights lie on int8 steps, and the range of each rounded node of its graph."""

    network: Network
    ranges: dict[str, tuple[float, float]]


def fit(folded: Network, inputs: tuple[Tensor, ...], progress: Stages = no_stages) -> Fitted:
    """Fits a copy of a folded network to int8 on training samples, as the network takes them.

    The same samples give the same weights. Takes about a minute of a core for 1000 samples and 10 M MAC.
    """
    balanced = balance(folded, inputs, partial(progress, "Balancing channels"))
    ranges = best_ranges(balanced, inputs, partial(progress, "Choosing ranges"))
    return Fitted(round_weights(balanced, ranges, inputs, partial(progress, "Rounding weights")), ranges)
