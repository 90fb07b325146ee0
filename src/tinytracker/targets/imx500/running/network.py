"""The network as exported for the sensor, run on a PC: quantised ONNX behind the input processor's
registers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.cards import InputSpec, ModelCard, card_path, read_card
from tinytracker.engines.onnx import open_session
from tinytracker.errors import InputError, ModelError
from tinytracker.extras import need
from tinytracker.targets.imx500.chip.isp import Registers, registers_for
from tinytracker.targets.imx500.chip.memory import PACKER_OUT, read_packed
from tinytracker.targets.imx500.chip.rpk import read_rpk
from tinytracker.targets.imx500.deploy import NETWORK, find_card, refuse_other_input

INPUT_STEP = (
    1 / 128
)  # of the quantiser at the input unless the converter says otherwise: threshold 1, 8 bits, signed


@dataclass(frozen=True, slots=True)
class ExportedNetwork:
    """What `tinytracker export --target imx500` left in a folder: `run` it on input tensors.

    registers: the packaged network's where the folder holds one, else those that our pixels need. step: of
    the quantiser at its input, as the converter wrote it. place: the .onnx.
    """

    card: ModelCard
    spec: InputSpec
    registers: Registers
    step: float
    place: Path
    session: Any

    @property
    def tensor_size(self) -> tuple[int, int]:
        """Width and height of the input tensor."""
        return self.spec.width_px, self.spec.height_px

    def run(self, tensor: np.ndarray) -> Sequence[np.ndarray]:
        """What the chip's network gives for an input tensor (3, height, width) of the registers' dtype."""
        entry = self.session.get_inputs()[0]
        real = self.registers.real(tensor, self.step)[None]
        if entry.shape[1] != 3:  # channels last
            real = np.ascontiguousarray(real.transpose(0, 2, 3, 1))
        outputs = self.session.run(None, {entry.name: real})
        return [np.asarray(output, np.float32).reshape(-1) for output in outputs[:1]]


def load_exported(place: Path) -> ExportedNetwork:
    """Loads the network of an export's folder, or of one .onnx with its card beside it.

    Raises InputError or ModelError naming what is missing, TargetError if a packaged network beside it would
    be fed something else than its card says, MissingExtraError without onnxruntime, or without the
    quantisers' package where the network needs it.
    """
    onnx = _only_onnx(place)
    card = read_card(card_path(onnx)) if card_path(onnx).is_file() else find_card(onnx.parent)
    pictures = [spec for spec in card.inputs if spec.width_px]
    if len(pictures) != 1 or pictures[0].shape[-1] != 3:
        inputs = ", ".join(f"{spec.name} {'x'.join(map(str, spec.shape))}" for spec in card.inputs)
        raise ModelError(
            f"{onnx} takes {inputs}; the sensor feeds one picture of three channels: export a network made "
            f"for it"
        )
    session = _open(onnx)
    _refuse_other_shape(session, pictures[0], onnx)
    step, is_signed = _input_quantiser(onnx.parent)
    registers = _registers(onnx.parent, card, pictures[0], step, is_signed)
    return ExportedNetwork(card, pictures[0], registers, step, onnx, session)


def _only_onnx(place: Path) -> Path:
    if place.suffix == ".onnx" and place.is_file():
        return place
    if not place.is_dir():
        raise InputError(
            f"{place} is neither a folder nor an .onnx; expected what `tinytracker export --target imx500` "
            f"wrote"
        )
    found = sorted(place.glob("*.onnx"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InputError(
            f"{place} holds {names}; expected one .onnx, as `tinytracker export --target imx500` writes it"
        )
    return found[0]


def _open(onnx: Path) -> Any:
    need("onnxruntime", "onnx")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if b"mct_quantizers" in onnx.read_bytes():
        need("mct_quantizers", "imx500")
        from mct_quantizers import get_ort_session_options

        options = get_ort_session_options()
    return open_session(onnx, options, threads=1, expected="an ONNX file")


def _refuse_other_shape(session: Any, spec: InputSpec, onnx: Path) -> None:
    """The network must take the one picture that its card says, channels first or last."""
    shapes = [tuple(entry.shape[1:]) for entry in session.get_inputs()]
    first, last = (3, spec.height_px, spec.width_px), (spec.height_px, spec.width_px, 3)
    if len(shapes) != 1 or shapes[0] not in (first, last):
        raise ModelError(
            f"{onnx} takes {shapes}, its card says {spec.width_px} x {spec.height_px} px in 3 channels alone"
        )


def _input_quantiser(folder: Path) -> tuple[float, bool]:
    """Step and signedness of the input tensor, from packerOut.zip; the usual ones where the folder holds
    none."""
    packed = folder / PACKER_OUT
    if not packed.is_file():
        return INPUT_STEP, True
    tensor = read_packed(packed).inputs[0]
    return tensor.scale, tensor.is_signed


def _registers(folder: Path, card: ModelCard, spec: InputSpec, step: float, is_signed: bool) -> Registers:
    packaged = folder / NETWORK
    if packaged.is_file():
        made = read_rpk(packaged)
        refuse_other_input(card, step, is_signed, made, packaged)
        return made.registers
    return registers_for(spec.pixel_scale, spec.pixel_offset, step, is_signed=is_signed)
