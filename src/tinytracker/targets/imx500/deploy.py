"""On the Raspberry Pi: from what `tinytracker export --target imx500` wrote to a network that the camera
takes.

The packaging tool is the Raspberry Pi's own (package imx500-tools) and comes from there; nothing of it is in
here.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tinytracker.cards import ModelCard, card_path, read_card, write_card
from tinytracker.errors import DeviceError, InputError, ModelError, TargetError
from tinytracker.files import read_json, sha256
from tinytracker.targets.imx500.chip.isp import Order, Registers, registers_for
from tinytracker.targets.imx500.chip.memory import INTRINSICS_FILE, PACKER_OUT, read_packed
from tinytracker.targets.imx500.chip.rpk import PackagedNetwork, read_rpk
from tinytracker.targets.imx500.chip.sensor import HEIGHT_PX, WIDTH_PX, Roi

PACKAGER = "imx500-package"
ORDER: Order = "RGB"  # of the planes: asked for in so many words, as Sony's own modlib does
ROUNDING = 1  # how far a register may be from ours: nobody has published how the packager rounds
NETWORK = "network.rpk"
FIRMWARE = (Path("/lib/firmware/imx500_loader.fpk"), Path("/lib/firmware/imx500_firmware.fpk"))
WITHOUT_PACKAGER = (
    f"{PACKAGER} is not on PATH; it runs on a Raspberry Pi only: copy the folder there and run: "
    "sudo apt install imx500-tools"
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the camera needs. remedy: what to do where it is missing."""

    what: str
    is_there: bool
    remedy: str = ""


def checks() -> list[Check]:
    """Packager, firmware and picamera2, as this computer has them."""
    firmware = [
        Check(f"firmware {path}", path.is_file(), "sudo apt install imx500-all (imx500-firmware)")
        for path in FIRMWARE
    ]
    has_picamera2 = importlib.util.find_spec("picamera2") is not None
    return [
        Check(f"{PACKAGER} on PATH", shutil.which(PACKAGER) is not None, "sudo apt install imx500-tools"),
        *firmware,
        Check(
            "picamera2",
            has_picamera2,
            "sudo apt install python3-picamera2, and make the virtual environment with "
            "--system-site-packages",
        ),
    ]


def find_card(folder: Path) -> ModelCard:
    """The card of the exported network in a folder; raises InputError if there is none, or several that
    differ."""
    found: dict[str, ModelCard] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            if "inputs" not in read_json(path):
                continue
            card = read_card(path)
        except (OSError, ValueError, TypeError, ModelError):
            continue
        found.setdefault(card.name, card)
    if len(found) != 1:
        names = ", ".join(found) or "none"
        raise InputError(
            f"{folder} holds the cards of {names}; expected that of one network, as `tinytracker export` "
            f"writes it"
        )
    return next(iter(found.values()))


def package(folder: Path) -> tuple[Path, PackagedNetwork]:
    """Makes folder/network.rpk of folder/packerOut.zip, with the network's card beside it.

    Raises InputError if the folder is not an export, DeviceError without the packager, TargetError if it
    fails or what it made does not fit the card.
    """
    packed = folder / PACKER_OUT
    if not packed.is_file():
        raise InputError(
            f"{folder} holds no {PACKER_OUT}; expected what `tinytracker export --target imx500` wrote"
        )
    card = find_card(folder)
    if shutil.which(PACKAGER) is None:
        raise DeviceError(WITHOUT_PACKAGER)
    tensor = read_packed(packed).inputs[0]
    command = [PACKAGER, "-i", str(packed), "-o", str(folder), "-f", ORDER]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    network = folder / NETWORK
    if answer.returncode or not network.is_file():
        last = (answer.stderr or answer.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        raise TargetError(
            f"{PACKAGER} made no {network}: {last[0]}; convert the network again with the pinned converter"
        )
    made = read_rpk(network)
    refuse_other_input(card, tensor.scale, tensor.is_signed, made, network)
    write_card(_for_rpk(card, network), card_path(network))
    return network, made


def card_of(network: Path) -> ModelCard:
    """The card beside a packaged network; raises ModelError if there is none or it is of another file."""
    path = card_path(network)
    if not path.is_file():
        raise ModelError(
            f"{network} has no card; expected {path.name} beside it, as `tinytracker deploy imx500 DIR` "
            f"writes it"
        )
    card = read_card(path)
    if card.sha256 and card.sha256 != sha256(network):
        raise ModelError(
            f"{path} is the card of another file (its sha256 is not {network.name}'s); deploy again"
        )
    return card


def fixed_region(network: Path) -> Roi | None:
    """Where the region of a network with a baked position must stay, as its export says; None for a region
    that may move.

    Raises ModelError if the intrinsics beside the network are broken.
    """
    path = network.with_name(INTRINSICS_FILE)
    if not path.is_file():
        return None
    try:
        shares = read_json(path).get("tinytracker", {}).get("fixed_region")
        if shares is None:
            return None
        x, y, width, height = (float(share) for share in shares)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is broken ({error}); export the network again") from error
    roi = Roi(round(x * WIDTH_PX), round(y * HEIGHT_PX), round(width * WIDTH_PX), round(height * HEIGHT_PX))
    if not roi.is_inside:
        raise ModelError(f"{path}: the fixed region {shares} leaves the sensor; export the network again")
    return roi


def _for_rpk(card: ModelCard, network: Path) -> ModelCard:
    from dataclasses import replace

    return replace(
        card,
        number_format="int8",
        sha256=sha256(network),
        counts={**card.counts, "bytes": network.stat().st_size},
    )


def refuse_other_input(
    card: ModelCard, step: float, is_signed: bool, made: PackagedNetwork, network: Path
) -> None:
    """Raises TargetError unless the sensor will feed the packaged network what its card says, pixel by pixel.

    Size, order of the colours, signedness and every K register: a wrong one runs without a word, centimetres
    off.
    step, is_signed: of the converted network's input tensor.
    """
    spec = next((spec for spec in card.inputs if spec.width_px), None)
    if spec is None:
        return
    if (spec.width_px, spec.height_px) != (made.width_px, made.height_px):
        raise TargetError(
            f"{network} takes {made.width_px} x {made.height_px}, the card of {card.name} says "
            f"{spec.width_px} x "
            f"{spec.height_px}: the folder mixes two exports; export again into an empty one"
        )
    found = made.registers
    wanted = registers_for(spec.pixel_scale, spec.pixel_offset, step, ORDER, is_signed)
    pairs = zip((*found.div_val, *found.norm_val), (*wanted.div_val, *wanted.norm_val), strict=True)
    is_near = all(abs(one - other) <= ROUNDING for one, other in pairs)
    if (found.order, found.is_signed) != (wanted.order, wanted.is_signed) or not is_near:
        raise TargetError(
            f"{network} would be fed wrong: found {describe(found)}; the card of {card.name} and the "
            f"conversion ask for {describe(wanted)}; package it with imx500-tools' newest {PACKAGER}, from "
            "an export of its own folder"
        )


def describe(registers: Registers) -> str:
    """An input's format in a line."""
    sign = "signed" if registers.is_signed else "unsigned"
    return f"{registers.order}, {sign}, K {registers.div_val} and {registers.norm_val}"
