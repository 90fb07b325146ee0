"""A network -> a folder for a microcontroller: C alone, a board's project, or a Makefile for an emulated
board."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.conditions import NetworkUsed
from tinytracker.calibration.profile import refuse_other_network
from tinytracker.cards import ModelCard, card_path, write_card
from tinytracker.compiler.compile import PREFIX, CompiledModel, compile_model
from tinytracker.compiler.cpu import find_cpu
from tinytracker.compiler.readme import readme
from tinytracker.compiler.report import Report, as_picture, as_text, make_report
from tinytracker.engines.infer import card_of, own_card, tensors_of
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import ModelError, UsageError
from tinytracker.files import sha256, write_text
from tinytracker.retina.estimates import PUPIL_OUTPUTS
from tinytracker.targets.mcu import projects
from tinytracker.targets.mcu.board import Board, Project
from tinytracker.targets.mcu.calibration import HEADER, board_header
from tinytracker.targets.mcu.machines import MACHINES
from tinytracker.targets.mcu.pupil import tracker_files
from tinytracker.tflite.file import read_tflite
from tinytracker.zoo import Weights, find

PUPIL_README = """
## From events to the pupil

`pupil_tracker.c` does the whole of it: push the sensor's events as they come, and ask for the pupil as often
as you like. It keeps the window of the newest events (`event_window.c`), fills the network's input from it,
and hands the network's output back to it where the network remembers. `event_window_settings.h` says which
part of the sensor the network sees; as written, all of a sensor of 128 x 128 pixels.
"""


@dataclass(frozen=True, slots=True)
class Written:
    """A folder that was written. compiled: None where another compiler made the network."""

    folder: Path
    compiled: CompiledModel | None


def write_c(
    path: Path, out: Path, name: str | None = None, cpu: str = "portable"
) -> tuple[CompiledModel, Report]:
    """Writes gaze_model.h, gaze_model.c (and .S), README.md, report.md, report.json and plan.svg; where the
    .tflite has a card, gaze_model.json, so that the engine generated-c runs the C like any network.

    name: of the network, and what files and symbols begin with in place of gaze_model, so that several
    networks fit into one program. Raises ModelError, TargetError, UsageError.
    """
    content = read_tflite(path)
    card = own_card(Weights(path))
    sees_events = card is not None and card.output in PUPIL_OUTPUTS
    # A window of events is written anew for every estimate: the network may work in its memory.
    model = compile_model(content, name or path.stem, cpu, prefix_of(name), keep_input=not sees_events)
    trackers = tracker_files(card, model) if card is not None and sees_events else {}
    if both := sorted(trackers.keys() & model.files.keys()):
        raise UsageError(f"--name {name}: {both[0]} is a file beside the network; choose another name")
    report = make_report(model)
    model.write(out)
    text = readme(model, report, hashlib.sha256(content).hexdigest())
    if card is not None:
        source = out / f"{model.prefix}.c"
        write_card(replace(card, sha256=sha256(source)), card_path(source))
    for file, written in trackers.items():
        write_text(out / file, written)
    text += PUPIL_README if trackers else ""
    write_text(out / "README.md", text)
    write_text(out / "report.md", as_text(report))
    write_text(out / "report.json", json.dumps(report.as_data(), indent=1) + "\n")
    write_text(out / "plan.svg", as_picture(model))
    return model, report


def prefix_of(name: str | None) -> str:
    """What files and symbols begin with: gaze_model, or a network's name as C writes it.

    >>> prefix_of("eye-locator")
    'eye_locator'
    """
    return PREFIX if name is None else re.sub(r"[^0-9A-Za-z_]", "_", name)


def write_for_board(
    board: Board,
    path: Path,
    out: Path,
    layout: str | None = None,
    output_scale_cm: float | None = None,
    calibration: Path | None = None,
) -> Written:
    """Writes a board's project under `out`; layout: which one, the first by default. calibration: a person's,
    so that the board gives calibrated points (it must have been made with this network).

    Raises UsageError for an unknown layout, ModelError, TargetError, CalibrationError.
    """
    header = None if calibration is None else _calibration_header(calibration, path)
    written = _write_for_board(board, path, out, layout, output_scale_cm)
    if header is not None:
        place = written.folder / HEADER
        if not place.exists():
            raise UsageError(
                f"{board.name}'s project has no camera of its own; its host calibrates, by `track "
                f"--calibration`"
            )
        write_text(place, header)
    return written


def _calibration_header(calibration: Path, network: Path) -> str:
    profile = Calibration.load(calibration)
    refuse_other_network(profile, NetworkUsed(network.stem, sha256(network)), str(calibration))
    return board_header(profile.carried_over())  # whoever comes to the board sits down anew


def _write_for_board(
    board: Board, path: Path, out: Path, layout: str | None, output_scale_cm: float | None
) -> Written:
    project = projects.find_project(board, layout, path.name)
    if project.precompiled:
        card, tensor = _made_from(path, project)
        return Written(projects.write_project(board, project, card, tensor, out, path), None)
    card = card_of(Weights(path), output_scale_cm)
    compiled = compile_model(path.read_bytes(), card.name, board.cpu)
    first = compiled.graph[compiled.graph.inputs[0]]
    tensor = TensorSpec(first.name, first.shape, "int8", first.scale, first.zero_point)
    return Written(projects.write_project(board, project, card, tensor, out, compiled.files), compiled)


def write_for_qemu(path: Path, out: Path, cpu: str = "m4", output_scale_cm: float | None = None) -> Written:
    """Writes a folder with a Makefile for the emulated board with a core; raises UsageError if QEMU has none
    with it."""
    core = find_cpu(cpu).name
    machine = next((machine for machine in MACHINES.values() if machine.cpu == core), None)
    if machine is None:
        raise UsageError(
            f"QEMU has no board with {core}; expected one of {', '.join(m.cpu for m in MACHINES.values())}"
        )
    card = card_of(Weights(path), output_scale_cm)
    compiled = compile_model(path.read_bytes(), card.name, core)
    return Written(projects.qemu(compiled.files, card, machine, out), compiled)


def _made_from(path: Path, project: Project) -> tuple[ModelCard, TensorSpec]:
    """Card and input of a network that another compiler made: those of the .tflite it was made from, which
    lies beside it."""
    if not re.fullmatch(r"[\w.-]+", path.name, re.ASCII):
        raise UsageError(
            f"{path}: the project's CMake and C name this file; call it by letters, digits, ., _ and - alone"
        )
    original = projects.original_of(path, project)
    if not original.is_file() or not card_path(original).is_file():
        raise ModelError(f"{path} needs {original.name} and its card beside it, which it was compiled from")
    return find(original).require_card(), tensors_of(original)[0][0]
