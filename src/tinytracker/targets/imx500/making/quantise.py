"""Sony's quantisation: 8-bit weights per channel, 8-bit activations whose thresholds are powers of two.

Three ways, each tried only if the one before costs too much: after training ("PTQ"); after it with the
rounding of every weight learnt from samples ("GPTQ"); and training with simulated rounding ("QAT"). All are
MCT's and need no labels: the network learns to give what its float self gives.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tinytracker.progress import Progress, no_progress
from tinytracker.quiet import silence
from tinytracker.targets.imx500.making.toolchain import import_mct, onnx_by_tracing

_log = logging.getLogger(__name__)
PLATFORM = "imx500"


@dataclass(frozen=True, slots=True)
class QuantiseOptions:
    """limit_cm: what quantisation may cost on the validation split before the next way is tried. gptq_epochs:
    passes over the calibration batches. qat_steps, learning_rate: of the last resort. 0 epochs or steps leave
    a way out."""

    limit_cm: float = 0.08
    gptq_epochs: int = 10
    qat_steps: int = 300
    learning_rate: float = 1e-4


@dataclass(frozen=True, slots=True)
class Quantised:
    """A network that rounds as Sony's operators do. route: how it came about. error_cm: on the validation
    split."""

    network: nn.Module
    route: str
    error_cm: float


def quantise(
    network: nn.Module,
    batches: Sequence[Tensor],
    error_cm: Callable[[nn.Module], float],
    options: QuantiseOptions,
    progress: Progress = no_progress,
) -> Quantised:
    """Quantises what runs in the sensor, by the cheapest way within the limit, or by the best.

    network: a picture (B, C, H, W) -> (B, numbers). batches: of calibration pictures. error_cm: mean error of
    a network on the validation split. progress: over the ways, as many as are needed.
    """
    mct = import_mct()
    float_error = error_cm(network)
    ways: list[tuple[str, Callable[[], nn.Module]]] = [("PTQ", lambda: _post_training(mct, network, batches))]
    if options.gptq_epochs:
        ways.append(
            (f"GPTQ, {options.gptq_epochs} epochs", lambda: _learnt_rounding(mct, network, batches, options))
        )
    if options.qat_steps:
        ways.append((f"QAT, {options.qat_steps} steps", lambda: _trained(mct, network, batches, options)))
    best: Quantised | None = None
    for done, (name, make) in enumerate(ways):
        progress(done, len(ways))
        with silence():
            made = make()
        route = f"MCT {name}, {sum(map(len, batches))} training samples"
        tried = Quantised(made, route, error_cm(made))
        _log.info("%s: %.4f cm, float %.4f cm", route, tried.error_cm, float_error)
        if best is None or tried.error_cm < best.error_cm:
            best = tried
        if best.error_cm - float_error <= options.limit_cm:
            break
    assert best is not None
    progress(len(ways), len(ways))
    return best


def write_onnx(network: nn.Module, batches: Sequence[Tensor], path: Path) -> None:
    """Writes a quantised network as the ONNX that Sony's converter reads."""
    mct = import_mct()
    with silence(), onnx_by_tracing():
        mct.exporter.pytorch_export_model(network, str(path), _representatives(batches))


def _representatives(batches: Sequence[Tensor]) -> Callable[[], Iterator[list[Tensor]]]:
    return lambda: ([batch] for batch in batches)


def _post_training(mct: Any, network: nn.Module, batches: Sequence[Tensor]) -> nn.Module:
    made, _ = mct.ptq.pytorch_post_training_quantization(
        network, _representatives(batches), target_platform_capabilities=_platform(mct)
    )
    return made.eval()


def _learnt_rounding(
    mct: Any, network: nn.Module, batches: Sequence[Tensor], options: QuantiseOptions
) -> nn.Module:
    # The Hessian weighting takes most of the time and, for these networks, gains nothing.
    configuration = mct.gptq.get_pytorch_gptq_config(
        options.gptq_epochs, use_hessian_based_weights=False, use_hessian_sample_attention=False
    )
    made, _ = mct.gptq.pytorch_gradient_post_training_quantization(
        network,
        _representatives(batches),
        gptq_config=configuration,
        target_platform_capabilities=_platform(mct),
    )
    return made.eval()


def _trained(mct: Any, network: nn.Module, batches: Sequence[Tensor], options: QuantiseOptions) -> nn.Module:
    made, _ = mct.qat.pytorch_quantization_aware_training_init_experimental(
        network, _representatives(batches), target_platform_capabilities=_platform(mct)
    )
    with torch.no_grad():
        wanted = [network(batch) for batch in batches]
    optimiser = torch.optim.Adam(made.parameters(), lr=options.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.qat_steps)
    made.train()
    for step in range(options.qat_steps):
        place = step % len(batches)
        loss = nn.functional.mse_loss(made(batches[place]), wanted[place])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return mct.qat.pytorch_quantization_aware_training_finalize_experimental(made.eval()).eval()


def _platform(mct: Any) -> Any:
    return mct.get_target_platform_capabilities("pytorch", PLATFORM)
