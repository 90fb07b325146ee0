"""Networks of pupils over sequences of windows, in torch: in training, validation and where there is no
engine (a spiking network's checkpoint)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tinytracker.inputs import KINDS
from tinytracker.models import Network
from tinytracker.models.pupil import Pupil
from tinytracker.models.retina import Retina
from tinytracker.progress import Progress, no_progress
from tinytracker.retina.sequences import Track

AT_ONCE = 256  # windows


def outputs_along(network: Network, windows: Tensor, last: Tensor, bf16: bool = False) -> Tensor:
    """What a network gives for sequences of windows, (B, T, 2, size, size) -> float (B, T, numbers).

    last: (B, 16), what was said before them, for a network that is told. bf16: convolutions in bfloat16.
    """
    with torch.autocast(windows.device.type, torch.bfloat16, enabled=bf16):
        if isinstance(network, Retina):
            return network(windows).float()
    return said_along(network, seen_along(network, windows, bf16), last)


def seen_along(network: Network, windows: Tensor, bf16: bool = False) -> Tensor:
    """A network's embedding of every window, float (B, T, *embedding_shape)."""
    with torch.autocast(windows.device.type, torch.bfloat16, enabled=bf16):
        seen = network.embed(windows.flatten(0, 1).contiguous(memory_format=torch.channels_last))
    return seen.float().unflatten(0, windows.shape[:2])


def said_along(network: Network, seen: Tensor, last: Tensor) -> Tensor:
    """What a network says of embeddings (B, T, ...), one after the other, (B, T, numbers)."""
    if not isinstance(network, Pupil):
        return network.head(seen.flatten(0, 1)).unflatten(0, seen.shape[:2])
    said = []
    for place in range(seen.shape[1]):
        last = network.head(seen[:, place], last)
        said.append(last)
    return torch.stack(said, 1)


@torch.inference_mode()
def outputs_of_track(
    network: Network, track: Track, rows: slice = slice(None), progress: Progress = no_progress
) -> NDArray[np.float32]:
    """What a network gives for a recording's windows from a fresh start, float32 (n, numbers)."""
    planes = track.planes(rows)
    parts: list[Tensor] = []
    if isinstance(network, Retina):  # its state lives in the neurons: as long a sequence as it takes
        windows = torch.from_numpy(planes.astype(np.float32))[None]
        return np.asarray(network(windows)[0].numpy(), np.float32)
    last = torch.zeros(1, KINDS["last_output"].numbers)
    for start in range(0, len(planes), AT_ONCE):
        windows = torch.from_numpy(planes[start : start + AT_ONCE].astype(np.float32))[None]
        outputs = outputs_along(network, windows, last)
        parts.append(outputs[0])
        last = outputs[:, -1] if isinstance(network, Pupil) else last
        progress(min(start + AT_ONCE, len(planes)), len(planes))
    return np.asarray(torch.cat(parts).numpy(), np.float32)
