"""Folders for the vendors' own tools: a compiled network, what feeds it from the board's camera, and how to build and flash.

A board's app looks at one region of the camera's frame, chosen at export: there is no face finder on the board. Or it is fed
by a host that finds the face (`tinytracker track --board`): if it is switched so, or its network eats more than one picture.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.domain import Box
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import TargetError
from tinytracker.faces.crops import position_vectors
from tinytracker.files import write_text
from tinytracker.targets.mcu import boards
from tinytracker.targets.mcu.firmware import LINK_FLAGS, compile_flags, project_files
from tinytracker.targets.mcu.machines import Machine

HOST_ALONE = """/* Written by tinytracker: the network eats several pictures, which the host finds and sends. */
#ifndef GAZE_REGION_H
#define GAZE_REGION_H

#define GAZE_REGION_FROM_HOST 1

#endif
"""
LINK_FILES = ("gaze_link.h", "gaze_link.c", "gaze_served.h", "gaze_served.c")


@dataclass(frozen=True, slots=True)
class Camera:
    """width_px, height_px: of its frames. powers_of_two: the region may be scaled by 1, 2 or 4 only (in hardware)."""

    width_px: int
    height_px: int
    powers_of_two: bool = False


SMALLEST_SCALED_PX = 12
SPRESENSE_CAMERA = Camera(320, 240, powers_of_two=True)
CORAL_CAMERA = Camera(324, 324)


@dataclass(frozen=True, slots=True)
class Region:
    """A square of the camera's frame, in pixels."""

    x_px: int
    y_px: int
    side_px: int


def middle_region(camera: Camera, width_px: int, height_px: int) -> Region:
    """The largest square in the middle of the frame that the board can bring to the network's size.

    Raises TargetError for a size that the Spresense's graphics engine does not give: Sony's Camera library and imageproc take
    even sides of 12 pixels or more and factors that are powers of two.
    """
    side = min(camera.width_px, camera.height_px)
    if camera.powers_of_two:
        if width_px != height_px or width_px % 2 or not SMALLEST_SCALED_PX <= width_px <= side:
            raise TargetError(f"the Spresense's hardware does not scale to {width_px} x {height_px}; expected a square of even "
                              f"sides from {SMALLEST_SCALED_PX} to {side} pixels; train the network for 96 px")  # fmt: skip
        factor = max(power for power in (1, 2, 4) if width_px * power <= side)
        side = width_px * factor
    return Region((camera.width_px - side) // 2 // 2 * 2, (camera.height_px - side) // 2 // 2 * 2, side)


def region_header(card: ModelCard, tensor: TensorSpec, camera: Camera, region: Region, model_file: str = "") -> str:
    """gaze_region.h: where the network looks, and the stored values of pixels and positions there."""
    spec = card.inputs[0]
    box = Box(region.x_px, region.y_px, region.side_px, region.side_px)
    pixels = tensor.quantize(np.arange(256) * spec.pixel_scale + spec.pixel_offset)
    lines = [
        "/* Written by tinytracker: where in the camera's frame the network looks. */",
        "#ifndef GAZE_REGION_H",
        "#define GAZE_REGION_H",
        "",
        "#include <stdint.h>",
        "",
        f"/* The camera's frame is {camera.width_px} x {camera.height_px}. */",
        "#define GAZE_REGION_FROM_HOST 0 /* 1: the camera is off, the host sends crops */",
        f"#define GAZE_REGION_X {region.x_px}",
        f"#define GAZE_REGION_Y {region.y_px}",
        f"#define GAZE_REGION_SIDE {region.side_px}",
        f"#define GAZE_REGION_WIDTH {spec.width_px} /* of the network's picture */",
        f"#define GAZE_REGION_HEIGHT {spec.height_px}",
        f"#define GAZE_REGION_GREY {int(spec.colour == 'grey')}",
        f"#define GAZE_REGION_POSITION {int(spec.position == 'channels')} /* 1: two more channels say where a pixel lies */",
        f"#define GAZE_REGION_OUTPUT_CM {float(card.output_scale_cm)!r}f /* cm that an output of 1 stands for */",
        *([f'#define GAZE_REGION_MODEL "{model_file}"'] if model_file else []),
        "",
        "/* Stored value of a pixel of 0 to 255. */",
        _table("GAZE_REGION_PIXEL", pixels),
    ]
    if spec.position == "channels":
        columns, rows = position_vectors(box, camera.width_px, camera.height_px, spec.width_px, spec.height_px)
        lines += [
            "",
            "/* Stored values of the positions of columns and rows in the frame, from -1 to 1. */",
            _table("GAZE_REGION_COLUMN", tensor.quantize(columns)),
            _table("GAZE_REGION_ROW", tensor.quantize(rows)),
        ]
    return "\n".join([*lines, "", "#endif", ""])


def spresense_arduino(files: Mapping[str, str], card: ModelCard, tensor: TensorSpec, out: Path) -> Path:
    """A sketch folder `gaze` under `out`; gives its path. Raises TargetError for a network that nothing there can feed."""
    feed, region = _feed(card, tensor, SPRESENSE_CAMERA)
    content = {
        **files,
        **feed,
        **{name: boards.sources("link")[name] for name in LINK_FILES},
        **boards.sources("spresense_arduino"),
    }
    told = _told(card, region, "/dev/ttyUSB0", "Open the serial monitor at 115200 baud", "the hardware scales it",
                 "`#define GAZE_FROM_HOST 1` at the top of gaze.ino")  # fmt: skip
    return _write(out / "gaze", content, card, region, {"FEED": told})


def spresense_sdk(files: Mapping[str, str], card: ModelCard, tensor: TensorSpec, out: Path) -> Path:
    """An app folder `tinytracker` for spresense/examples, under `out`."""
    spec = only_picture(card)
    region = middle_region(SPRESENSE_CAMERA, spec.width_px, spec.height_px)
    content = {
        **files,
        **boards.sources("feed"),
        **boards.sources("spresense_sdk"),
        "gaze_region.h": region_header(card, tensor, SPRESENSE_CAMERA, region),
    }
    assembly = [name for name in files if name.endswith(".S")]
    return _write(out / "tinytracker", content, card, region, {"ASRCS": f"ASRCS = {' '.join(assembly)}" if assembly else ""})


def coralmicro(files: Mapping[str, str], card: ModelCard, tensor: TensorSpec, out: Path) -> Path:
    """An app folder `tinytracker` for coralmicro/examples, under `out`: the network on the Cortex-M7."""
    feed, region = _feed(card, tensor, CORAL_CAMERA)
    content = {
        **files,
        **feed,
        **{name: boards.sources("link")[name] for name in LINK_FILES},
        **boards.sources("coralmicro"),
    }
    names = {
        "FEED": _told(card, region, "/dev/ttyACM0", "Open the USB console (/dev/ttyACM0)", "the app cuts and scales it",
                      "GAZE_REGION_FROM_HOST to 1 in gaze_region.h"),
        "FEEDS": "gaze_feed.c\n    " if region else "",
        "ASRCS": "\n    ".join(name for name in files if name.endswith(".S")),
        "BYTES": ", and the network's C gives the\nbytes of TensorFlow Lite Micro on emulated cores",
    }  # fmt: skip
    return _write(out / "tinytracker", content, card, region, names)


def coralmicro_tpu(model: Path, card: ModelCard, tensor: TensorSpec, out: Path) -> Path:
    """The same with the network on the Edge TPU; model: what edgetpu_compiler wrote."""
    spec = only_picture(card)
    region = middle_region(CORAL_CAMERA, spec.width_px, spec.height_px)
    content = {
        **boards.sources("coralmicro_tpu"),
        "README.md": boards.sources("coralmicro")["README.md"],
        "gaze_region.h": region_header(card, tensor, CORAL_CAMERA, region, model.name),
    }
    told = _told(card, region, "", "Open the USB console (/dev/ttyACM0)", "the app cuts and scales it", "")
    folder = _write(out / "tinytracker", content, card, region, {"MODEL": model.name, "FEED": told, "BYTES": ""})
    (folder / model.name).write_bytes(model.read_bytes())
    return folder


def qemu(files: Mapping[str, str], card: ModelCard, machine: Machine, out: Path) -> Path:
    """A folder with a Makefile that builds for an emulated board."""
    sources = boards.sources("qemu")
    flags = [flag for flag in compile_flags(machine) if flag not in ("-Wall", "-Wextra")]
    names = {
        "FLAGS": " ".join(map(shlex.quote, flags)),
        "LINK": " ".join(LINK_FLAGS),
        "SOURCES": " ".join(name for name in files if name.endswith((".c", ".S"))),
        "MACHINE": machine.qemu,
        "PER_TICK": f"{machine.instructions_per_tick:g}",
    }
    content = {
        **project_files(machine, "bench"),
        **project_files(machine, "serve"),
        **files,
        "Makefile": sources["Makefile"],
        "README.md": sources["README.md"],
    }
    return _write(out, content, card, None, names)


def _feed(card: ModelCard, tensor: TensorSpec, camera: Camera) -> tuple[dict[str, str], Region | None]:
    """What feeds the network: files, and the camera's region. A network of several pictures is fed by the host alone."""
    if card.output == "gaze" and len(card.inputs) > 1:
        return {"gaze_region.h": HOST_ALONE}, None
    spec = only_picture(card)
    region = middle_region(camera, spec.width_px, spec.height_px)
    return {**boards.sources("feed"), "gaze_region.h": region_header(card, tensor, camera, region)}, region


def _told(card: ModelCard, region: Region | None, port: str, opened: str, scaled: str, switch: str) -> str:
    """The README's step about what comes out. port, switch: of a board that a host can feed too, else empty."""
    host = f"`tinytracker track 0 --model {card.name} --board serial:{port}`"
    if region is None:
        return (f"On the host, run {host}: it finds the face and\nsends the pictures; this network eats several, so the board's "
                "camera is not used.")  # fmt: skip
    told = f"{opened}: a line per frame, `x_cm,y_cm,microseconds`.\n\nThe network looks at {_where(region)}; {scaled}."
    if port:
        told += f" To let the host\nfind the face and send crops instead, set {switch}, and run\n{host} there."
    return told


def only_picture(card: ModelCard) -> InputSpec:
    """The one picture a network eats; raises TargetError for a network that a board's camera alone cannot feed."""
    if len(card.inputs) != 1 or card.inputs[0].kind != "face" or card.output != "gaze":
        eaten = ", ".join(spec.kind for spec in card.inputs)
        raise TargetError(f"{card.name} eats {eaten} and gives {card.output}: a board's camera alone cannot feed it; expected a "
                          "gaze network of one face picture, such as tinytracker-s; or let the host feed it: "
                          "tinytracker track --board")  # fmt: skip
    return card.inputs[0]


def _write(folder: Path, content: Mapping[str, str], card: ModelCard, region: Region | None, names: Mapping[str, str]) -> Path:
    about = (f"The network {card.name} as C, written by tinytracker. Its output: where the person looks, in cm from the camera, "
             "x to the\nright and y up as the person sees it.")  # fmt: skip
    replaced = {"MODEL": card.name, "REGION": "" if region is None else _where(region), "ABOUT": about, **names}
    for name, text in content.items():
        if not name.startswith("gaze_"):
            for key, value in replaced.items():
                text = text.replace(f"@{key}@", value)
        write_text(folder / name, text)
    return folder


def _where(region: Region) -> str:
    corner = f"{region.x_px}, {region.y_px}"
    return f"the square of {region.side_px} pixels in the middle of the frame (corner {corner}; gaze_region.h)"


def _table(name: str, values: np.ndarray) -> str:
    texts = [str(int(value)) for value in values]
    lines = [", ".join(texts[at : at + 16]) for at in range(0, len(texts), 16)]
    body = ",\n    ".join(lines)
    return f"static const int8_t {name}[{len(texts)}] = {{\n    {body},\n}};"
