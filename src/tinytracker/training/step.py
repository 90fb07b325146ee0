"""One step of training: from a batch's numbers to moved weights.

On a GPU a step is some thousand short operations, which take longer to ask for than to do; there it is
recorded once, as a CUDA graph, and played from then on. Everything that changes from step to step, the
learning rate too, lies in tensors that stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from tinytracker.models import Network
from tinytracker.training import losses
from tinytracker.training.batches import Batch, network_inputs
from tinytracker.training.on_device import PixelsOnDevice
from tinytracker.training.recipe import Recipe
from tinytracker.training.teacher import Lessons

Numbers = dict[str, np.ndarray]
Tensors = dict[str, Tensor]
STEPS_BEFORE_RECORDING = 3  # what is made on first use, such as an optimiser's moments, is made by then


class Recorder(Protocol):
    """Records what a function does on a device, to do it again. `CudaGraphs` is one."""

    def apart(self, work: Callable[[], Tensors]) -> Tensors:
        """Does the work, as it has to be done before it can be recorded."""
        ...

    def record(self, work: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]:
        """Does not do the work, but gives what does it, and the tensors it will leave its results in."""
        ...


class CudaGraphs:
    """The Recorder of CUDA devices (PyTorch, "CUDA semantics", section CUDA Graphs)."""

    def apart(self, work: Callable[[], Tensors]) -> Tensors:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            results = work()
        torch.cuda.current_stream().wait_stream(side)
        return results

    def record(self, work: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            results = work()
        return graph.replay, results


def numbers_of(batch: Batch, lessons: Lessons | None, observed: np.ndarray | None) -> Numbers:
    """All that a step needs to know of a batch, apart from pixels that are on the device already, by name."""
    numbers = {
        "frame_box": batch.frame_box,
        "band_box": batch.band_box,
        "grid": batch.grid,
        "target": batch.target,
        "distance_cm": batch.distance_cm,
        "auxiliary": batch.auxiliary,
    }
    numbers |= {f"crop.{kind}": crops for kind, crops in batch.crops.items()}
    if observed is not None:
        answer = batch.gaze_of(observed)
        numbers["observed_cm"] = np.where(np.isfinite(answer), answer, batch.target)
    if lessons is not None:
        numbers["taught_cm"], numbers["embedding"] = lessons.of(batch)
    return numbers


class TrainingStep:
    """Moves the weights of a network by batches.

    module: the network with its heads, or what spreads it over processes. pixels: makes the crops on the
    device; None if they come with the batches. bf16: compute in bfloat16. recorder: None does every step
    anew."""

    def __init__(
        self,
        recipe: Recipe,
        network: Network,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        device: torch.device,
        *,
        pixels: PixelsOnDevice | None = None,
        bf16: bool = False,
        recorder: Recorder | None = None,
    ) -> None:
        self._recipe, self._network, self._module, self._optimiser = recipe, network, module, optimiser
        self._device, self._pixels, self._bf16, self._recorder = device, pixels, bf16, recorder
        self._done = 0
        self._stays: Tensors = {}
        self._play: Callable[[], None] | None = None
        self._parts: Tensors = {}

    def __call__(self, numbers: Numbers, learning_rate: float) -> Tensors:
        """One step; gives the parts of the loss and their sum, "loss", which the next step may overwrite."""
        self._set_rate(learning_rate)
        arrived = {name: torch.from_numpy(array) for name, array in numbers.items()}
        if self._recorder is None:
            return self._step({name: tensor.to(self._device) for name, tensor in arrived.items()})
        self._keep(arrived)
        self._done += 1
        if self._done <= STEPS_BEFORE_RECORDING:
            return self._recorder.apart(lambda: self._step(self._stays))
        if self._play is None:
            self._optimiser.zero_grad(set_to_none=True)
            self._play, self._parts = self._recorder.record(lambda: self._step(self._stays))
        self._play()
        return self._parts

    def _set_rate(self, learning_rate: float) -> None:
        for group in self._optimiser.param_groups:
            if self._recorder is None:
                group["lr"] = learning_rate
            elif isinstance(group["lr"], Tensor):
                group["lr"].fill_(learning_rate)
            else:
                group["lr"] = torch.tensor(learning_rate, device=self._device)

    def _keep(self, arrived: Tensors) -> None:
        """Puts a batch where the last one was."""
        if not self._stays:
            self._stays = {
                name: torch.empty_like(tensor, device=self._device) for name, tensor in arrived.items()
            }
        for name, tensor in arrived.items():
            self._stays[name].copy_(tensor)

    def _step(self, batch: Tensors) -> Tensors:
        parts = self._loss(batch)
        self._optimiser.zero_grad(set_to_none=True)
        parts["loss"].backward()
        self._optimiser.step()
        return {name: part.detach() for name, part in parts.items()}

    def _inputs(self, batch: Tensors) -> tuple[Tensor, ...]:
        if self._pixels is not None:
            pixels = self._pixels.crops(batch)
        else:
            pixels = {
                name.removeprefix("crop."): crops.permute(0, 3, 1, 2)
                for name, crops in batch.items()
                if name.startswith("crop.")
            }
        return network_inputs(
            self._network.spec, pixels, batch["frame_box"], batch["band_box"], batch["grid"]
        )

    def _loss(self, batch: Tensors) -> Tensors:
        """The parts of the loss of a batch and "loss", which is their sum."""
        recipe, spec = self._recipe, self._network.spec
        inputs = self._inputs(batch)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16, cache_enabled=False):
            output, truth, lesson = self._module(*inputs)
        output, target = output.float(), batch["target"]
        scale_cm = spec.output_scale_cm
        distance = batch["distance_cm"] if recipe.scale_by_distance else None
        parts: Tensors = {}
        if spec.output == "eyes":
            parts["eye_points"] = losses.eye_points(output, target)
        elif recipe.loss == "mse":
            parts["mean_squared"] = losses.mean_squared(output, target / scale_cm)
        else:
            parts["euclidean_cm"] = losses.euclidean(output * scale_cm, target, distance)
        (by_truth,), truth_share, distillation = parts, 1.0, recipe.distillation
        if "observed_cm" in batch:
            truth_share -= distillation.observer
            error = losses.euclidean(output * scale_cm, batch["observed_cm"], distance)
            parts["observer_cm"] = distillation.observer * error
        if "taught_cm" in batch:
            truth_share -= distillation.gaze
            error = losses.euclidean(output * scale_cm, batch["taught_cm"], distance)
            parts["teacher_cm"] = distillation.gaze * error
            if lesson is not None:
                miss = (lesson.float() - batch["embedding"]).square().mean()
                parts["teacher_embedding"] = distillation.embedding * miss
        parts[by_truth] = parts[by_truth] * truth_share
        if truth is not None:
            parts["auxiliary"] = recipe.auxiliary * losses.auxiliary(truth.float(), batch["auxiliary"])
        return {**parts, "loss": torch.stack(list(parts.values())).sum()}
