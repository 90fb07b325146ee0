"""Folders for the vendors' own tools: a compiled network, what feeds it from the board's camera, and how to
build and flash.

A board's app looks at one region of the camera's frame, chosen at export: there is no face finder on the
board. Or it is fed by a host that finds the face (`tinytracker track --board`): if it is switched so, or its
network eats more than one picture.
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
from tinytracker.engines.serial_board import model_hash
from tinytracker.errors import TargetError, UsageError
from tinytracker.faces.crops import low_pass_weights, on_grid, position_vectors
from tinytracker.files import write_bytes, write_text
from tinytracker.targets.mcu.board import Board, BoardCamera, Project
from tinytracker.targets.mcu.boards import sources
from tinytracker.targets.mcu.firmware import LINK_FLAGS, compile_flags, project_files
from tinytracker.targets.mcu.machines import Machine

HOST_ALONE = """\
/* Written by tinytracker: the network eats several pictures, which the host finds and sends. */
#ifndef GAZE_REGION_H
#define GAZE_REGION_H

#define GAZE_REGION_FROM_HOST 1

#endif
"""
CALIBRATE = "gaze_calibrate.h"
LINK_FILES = (CALIBRATE, "gaze_link.h", "gaze_link.c")
SERVED_FILES = ("gaze_served.h", "gaze_served.c")


SMALLEST_SCALED_PX = 12


@dataclass(frozen=True, slots=True)
class Region:
    """A square of the camera's frame, in pixels."""

    x_px: int
    y_px: int
    side_px: int


@dataclass(frozen=True, slots=True)
class Precompiled:
    """A network that another compiler made of `original`, whose first 32 bits of SHA-256 a host asks for."""

    file: str
    original: Path

    @property
    def defines(self) -> tuple[str, str]:
        return (
            f'#define GAZE_REGION_MODEL "{self.file}"',
            f"#define GAZE_REGION_HASH 0x{model_hash(self.original):08x}U /* of {self.original.name} */",
        )


def middle_region(camera: BoardCamera, width_px: int, height_px: int) -> Region:
    """The largest square in the middle of the frame that the board can bring to the network's size.

    Raises TargetError for a size that the Spresense's graphics engine does not give: Sony's Camera library
    and imageproc take even sides of 12 pixels or more and factors that are powers of two.
    """
    side = min(camera.width_px, camera.height_px)
    if camera.powers_of_two:
        if width_px != height_px or width_px % 2 or not SMALLEST_SCALED_PX <= width_px <= side:
            raise TargetError(
                f"the camera's hardware does not scale to {width_px} x {height_px}; expected a square of "
                f"even sides from {SMALLEST_SCALED_PX} to {side} pixels; train the network for 96 px"
            )
        factor = max(power for power in (1, 2, 4) if width_px * power <= side)
        side = width_px * factor
    return Region((camera.width_px - side) // 2 // 2 * 2, (camera.height_px - side) // 2 // 2 * 2, side)


def region_header(
    card: ModelCard,
    tensor: TensorSpec,
    camera: BoardCamera,
    region: Region,
    precompiled: Precompiled | None = None,
) -> str:
    """gaze_region.h: where the network looks, and the stored values of pixels and positions there."""
    spec = card.inputs[0]
    box = Box(region.x_px, region.y_px, region.side_px, region.side_px)
    pixels = tensor.quantize(np.arange(256) * spec.pixel_scale + spec.pixel_offset)
    taps = low_pass_weights(spec.low_pass_px) if spec.low_pass_px else ()
    has_position, output_cm = spec.position == "channels", float(card.output_scale_cm)
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
        f"#define GAZE_REGION_POSITION {int(has_position)} /* 1: two more channels say where a pixel lies */",
        f"#define GAZE_REGION_OUTPUT_CM {output_cm!r}f /* cm that an output of 1 stands for */",
        *(precompiled.defines if precompiled else ()),
        f"#define GAZE_REGION_LOW_PASS {len(taps) // 2} /* pixels to each side that a low-pass reaches; 0: "
        f"none */",
        "",
        "/* Stored value of a pixel of 0 to 255. */",
        _table("GAZE_REGION_PIXEL", pixels),
    ]
    if taps:
        table = _table("GAZE_REGION_TAP", np.array(taps), "uint8_t")
        lines += ["", "/* The low-pass along a row or a column, in 1/256. */", table]
    if has_position:
        seen = on_grid(box, camera.width_px, camera.height_px) if spec.position_grid else box
        columns, rows = position_vectors(
            seen, camera.width_px, camera.height_px, spec.width_px, spec.height_px
        )
        lines += [
            "",
            "/* Stored values of the positions of columns and rows in the frame, from -1 to 1. */",
            _table("GAZE_REGION_COLUMN", tensor.quantize(columns)),
            _table("GAZE_REGION_ROW", tensor.quantize(rows)),
        ]
    return "\n".join([*lines, "", "#endif", ""])


def find_project(board: Board, layout: str | None, precompiled: str = "") -> Project:
    """A board's project by its layout, or the first. precompiled: the network's file, if another compiler may
    have made it.

    Raises UsageError for a layout that the board does not have.
    """
    made_elsewhere = [
        one for one in board.projects if one.precompiled and precompiled.endswith(one.precompiled)
    ]
    fitting = made_elsewhere or [one for one in board.projects if not one.precompiled]
    found = next((one for one in fitting if layout in (None, one.layout)), None)
    if found is None:
        layouts = ", ".join(one.layout for one in fitting) or "none"
        raise UsageError(f"{board.name} has no project {layout!r}; its layouts: {layouts}")
    return found


def write_project(
    board: Board,
    project: Project,
    card: ModelCard,
    tensor: TensorSpec,
    out: Path,
    network: Mapping[str, str] | Path,
) -> Path:
    """The project's folder under `out`; gives its path.

    network: the compiled network's files (name -> text), or what another compiler made. tensor: its first
    input. In the templates these are filled in: @MODEL@, @ABOUT@, @REGION@ (where the network looks), @FEED@
    (the README's step about what comes out), @ASSEMBLY@ and @ASSEMBLY_LINES@ (the network's .S files, in a
    line or a line each), @FEED_LINE@ (gaze_feed.c, where the camera feeds the network), and the project's own
    `names`. Raises TargetError for a network that nothing there can feed.
    """
    camera = board.camera
    if camera is None:
        raise TargetError(
            f"{board.name} has a project and no camera to feed it; expected `camera` in its board.py"
        )
    made_elsewhere = (
        Precompiled(network.name, original_of(network, project)) if isinstance(network, Path) else None
    )
    files = {} if isinstance(network, Path) else network
    feed, region = _feed(card, tensor, camera, bool(project.host_port), made_elsewhere)
    content = {**files, **feed}
    if made_elsewhere is None:
        content |= sources("feed") | {CALIBRATE: sources("link")[CALIBRATE]} if region else {}
    if project.host_port:
        linked = LINK_FILES if made_elsewhere else LINK_FILES + SERVED_FILES
        content |= {name: sources("link")[name] for name in linked}
    for templates in project.templates:
        content |= sources(templates)
    assembly = [name for name in files if name.endswith(".S")]
    names = {
        "FEED": _told(made_elsewhere.original.name if made_elsewhere else card.name, region, project),
        "FEED_LINE": "gaze_feed.c\n    " if region else "",
        "FEED_SOURCE": "gaze_feed.c " if region else "",
        "ASSEMBLY": " ".join(assembly),
        "ASSEMBLY_LINES": "\n    ".join(assembly),
        **({"MODEL": made_elsewhere.file} if made_elsewhere else {}),
        **project.names,
    }
    folder = _write(out / project.into, content, card, region, names)
    if isinstance(network, Path):
        write_bytes(folder / network.name, network.read_bytes())
    return folder


def original_of(precompiled: Path, project: Project) -> Path:
    """The .tflite that another compiler made a project's network of: it lies beside it."""
    return precompiled.with_name(precompiled.name.removesuffix(project.precompiled) + ".tflite")


def qemu(files: Mapping[str, str], card: ModelCard, machine: Machine, out: Path) -> Path:
    """A folder with a Makefile that builds for an emulated board."""
    templates = sources("qemu")
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
        "Makefile": templates["Makefile"],
        "README.md": templates["README.md"],
    }
    return _write(out, content, card, None, names)


def _feed(
    card: ModelCard,
    tensor: TensorSpec,
    camera: BoardCamera,
    by_host: bool,
    precompiled: Precompiled | None,
) -> tuple[dict[str, str], Region | None]:
    """gaze_region.h and the camera's region; a network of several pictures is fed by the host alone, where
    one can."""
    if by_host and precompiled is None and card.output == "gaze" and len(card.inputs) > 1:
        return {"gaze_region.h": HOST_ALONE}, None
    spec = only_picture(card)
    if spec.low_pass_px and precompiled:
        raise TargetError(
            f"{card.name} sees its face through a low-pass, which the app of a network compiled elsewhere "
            "does not do; export it as C, or train it with low_pass_px = 0"
        )
    region = middle_region(camera, spec.width_px, spec.height_px)
    return {"gaze_region.h": region_header(card, tensor, camera, region, precompiled)}, region


def _told(model: str, region: Region | None, project: Project) -> str:
    """The README's step about what comes out."""
    host = f"`tinytracker track 0 --model {model} --board serial:{project.host_port}`"
    if region is None:
        return (
            f"On the host, run {host}: it finds the face and\nsends the pictures; this network eats several, "
            "so the board's camera is not used."
        )
    told = (
        f"{project.opened}: a line per frame, `x_cm,y_cm,microseconds`.\n\n"
        f"The network looks at {_where(region)}; {project.scaled}."
    )
    if project.host_port:
        told += (
            f" To let the host\nfind the face and send crops instead, run\n{host} there: the lines stop once "
            "it greets."
        )
        told += f" Without the\ncamera's code and memory: {project.switch}." if project.switch else ""
    return told


def only_picture(card: ModelCard) -> InputSpec:
    """The one picture a network eats; raises TargetError for a network that a board's camera alone cannot
    feed."""
    if len(card.inputs) != 1 or card.inputs[0].kind != "face" or card.output != "gaze":
        eaten = ", ".join(spec.kind for spec in card.inputs)
        raise TargetError(
            f"{card.name} eats {eaten} and gives {card.output}: a board's camera alone cannot feed it; "
            "expected a gaze network of one face picture, such as tinytracker-s; or let the host feed it: "
            "tinytracker track --board"
        )
    if card.inputs[0].blank_rows:
        raise TargetError(
            f"{card.name} sees its face in part, for which no board's app is written; let the host feed it"
        )
    return card.inputs[0]


def _write(
    folder: Path, content: Mapping[str, str], card: ModelCard, region: Region | None, names: Mapping[str, str]
) -> Path:
    about = (
        f"The network {card.name} as C, written by tinytracker. Its output: where the person looks, in cm "
        "from the camera, x to the\nright and y up as the person sees it."
    )
    replaced = {
        "MODEL": card.name,
        "REGION": "" if region is None else _where(region),
        "ABOUT": about,
        **names,
    }
    for name, text in content.items():
        if not name.startswith("gaze_"):
            for key, value in replaced.items():
                text = text.replace(f"@{key}@", value)
        write_text(folder / name, text)
    return folder


def _where(region: Region) -> str:
    corner = f"{region.x_px}, {region.y_px}"
    return (
        f"the square of {region.side_px} pixels in the middle of the frame (corner {corner}; gaze_region.h)"
    )


def _table(name: str, values: np.ndarray, kind: str = "int8_t") -> str:
    texts = [str(int(value)) for value in values]
    lines = [", ".join(texts[at : at + 16]) for at in range(0, len(texts), 16)]
    body = ",\n    ".join(lines)
    return f"static const {kind} {name}[{len(texts)}] = {{\n    {body},\n}};"
