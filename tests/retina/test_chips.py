"""Where the networks go: whole numbers as a neuromorphic chip has them, NIR read back, and boards from event
to pupil, byte for byte."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.retina.discs import disc
from tinytracker.cards import ModelCard, card_path, write_card
from tinytracker.compiler.compile import compile_model
from tinytracker.engines.tflite_micro import TfliteMicroEngine
from tinytracker.errors import ModelError
from tinytracker.events.crops import SensorCrop
from tinytracker.events.windows import windows_at
from tinytracker.files import sha256
from tinytracker.models import Network, create_model
from tinytracker.models.retina import Retina
from tinytracker.quantization.fold import fold
from tinytracker.quantization.untrained import untrained_int8
from tinytracker.retina.integer import IntegerRetina
from tinytracker.retina.model import PupilModel
from tinytracker.retina.sequences import window_of
from tinytracker.targets.mcu.machines import MACHINES
from tinytracker.targets.mcu.package import write_c
from tinytracker.targets.mcu.pupil import DEFAULT_CROP, track_on, tracker_files


@pytest.fixture(scope="module")
def lively(tracks) -> Retina:
    """The spiking network with statistics of discs, so that its deep layers fire."""
    torch.manual_seed(1)
    network = create_model("retina").train()
    assert isinstance(network, Retina)
    windows = torch.from_numpy(tracks[0].planes(slice(0, 24)).astype(np.float32))[None]
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.5
                module.bias.fill_(0.3)
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(3)
        for _ in range(4):
            network(windows)
    return network.eval()


def test_whole_numbers_spike_nearly_as_reals_do(lively, tracks) -> None:
    planes = tracks[0].planes(slice(0, 30))
    run = IntegerRetina(lively).run(planes)
    with torch.no_grad():
        fired = lively.spikes(torch.from_numpy(planes.astype(np.float32))[:, None])
    real = np.array([float(spikes.sum()) for spikes in fired])
    pooled = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1])
    assert run.outputs.shape == (30, 160)
    assert (run.spikes > 0).all()
    # Blocks' spikes are counted before pooling on the chip: 961 maps lose their odd row and column by it.
    assert np.allclose(run.spikes[[0, 4, 5, 6]], (real * pooled)[[0, 4, 5, 6]], rtol=0.2)


def test_synaptic_operations_are_weights_that_spikes_touch(lively) -> None:
    """One event in the middle meets every kernel place that the stride lets it, one in the corner fewer."""
    chip = IntegerRetina(lively)
    first = chip.layers[0].layer
    assert isinstance(first, torch.nn.Conv2d)
    for row, column in ((32, 33), (0, 0), (63, 63)):
        planes = np.zeros((1, 2, 64, 64), np.uint8)
        planes[0, 1, row, column] = 1
        with torch.no_grad():
            ones = torch.nn.functional.conv2d(
                torch.from_numpy(planes[:, 1:].astype(np.float32)),
                torch.ones(16, 1, 5, 5),
                stride=2,
                padding=1,
            )
        silent = chip.run(np.zeros_like(planes)).operations[0]
        spikes_in = torch.from_numpy(planes.astype(np.float32))[None]
        from tinytracker.models.retina import touched

        assert int(touched(first, spikes_in)) == int(ones.sum())
        assert chip.run(planes).operations[0] >= silent


def test_weights_and_states_fit_the_chip(lively) -> None:
    folded = fold(lively)
    reals = [block.weighted.conv for block in folded.blocks] + [folded.flat[-1], folded.last]
    for one, layer in zip(IntegerRetina(lively).layers, reals, strict=True):
        real = layer.weight.detach().numpy()
        largest = np.abs(real).max()
        weights = one.layer.weight.detach().numpy()
        assert np.array_equal(weights, np.round(weights))
        assert np.abs(weights).max() <= 127
        assert one.threshold == int(127 / largest) > 0
        assert one.lowest == -one.threshold
        assert np.allclose(weights, real * one.threshold, atol=0.501)  # the threshold is 1, unrounded
    shifts = [one.layer.bias for one in IntegerRetina(lively).layers if one.layer.bias is not None]
    assert len(shifts) == 6  # batch norm's shift is there, in whole numbers
    assert all(float(shift.detach().abs().max()) > 0 for shift in shifts)


def test_weights_far_beyond_their_threshold_are_refused(lively) -> None:
    network = copy.deepcopy(lively)
    with torch.no_grad():
        network.last.weight[3, 4] = 128.0
    with pytest.raises(ModelError, match="over 127 thresholds"):
        IntegerRetina(network)


def test_potentials_saturate() -> None:
    from tinytracker.retina.integer import STATE, _fired

    current = torch.full((3, 1, 1), 40_000.0)
    assert _fired(current, 30_000, -30_000).flatten().tolist() == [1, 1, 1]
    assert STATE == (-32768, 32767)


def test_nir_read_back_spikes_alike(lively, tracks, tmp_path) -> None:
    nir = pytest.importorskip("nir", reason="pip install 'tinytracker[nir]'")
    from tinytracker.targets.nir.package import export_nir

    export_nir(lively, tmp_path / "retina.nir")
    graph = nir.read(str(tmp_path / "retina.nir"))
    order = [edge[0] for edge in graph.edges]
    assert len(order) == len(set(order))  # a chain
    planes = tracks[0].planes(slice(0, 12))
    with torch.no_grad():
        expected = lively.spikes(torch.from_numpy(planes.astype(np.float32))[:, None])[-1][:, 0].numpy()
    assert expected.sum() > 0
    assert np.array_equal(_run_nir(nir, graph, planes), expected)


def _run_nir(nir, graph, planes: np.ndarray) -> np.ndarray:
    """The graph in steps of one window, by what NIR says of its nodes, its neurons' metadata beside."""
    follows = dict(graph.edges)
    states: dict[str, np.ndarray] = {}
    said = []
    for window in planes:
        value, name = window.astype(np.float32), follows["input"]
        while name != "output":
            node = graph.nodes[name]
            if isinstance(node, nir.Conv2d):
                weight, bias = torch.from_numpy(node.weight), torch.from_numpy(node.bias)
                stride, padding = (tuple(np.atleast_1d(x).tolist()) for x in (node.stride, node.padding))
                value = torch.nn.functional.conv2d(
                    torch.from_numpy(value)[None], weight, bias, stride, padding
                )[0].numpy()
            elif isinstance(node, nir.SumPool2d):
                value = 4 * torch.nn.functional.avg_pool2d(torch.from_numpy(value)[None], 2)[0].numpy()
            elif isinstance(node, nir.Flatten):
                value = value.reshape(-1)
            elif isinstance(node, nir.Linear):
                value = node.weight @ value
            else:
                potential = states.get(name, np.zeros_like(value)) + node.r * value
                fired = np.maximum(np.floor(potential / node.v_threshold), 0)
                states[name] = np.maximum(potential - fired * node.v_threshold, node.metadata["lowest"])
                value = fired.astype(np.float32)
            name = follows[name]
        said.append(value)
    return np.stack(said)


@pytest.fixture(scope="module")
def int8_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """An int8 .tflite of a network nobody trained, with its card."""
    made: dict[str, Path] = {}

    def file(name: str) -> Path:
        if name not in made:
            path = tmp_path_factory.mktemp(name) / f"{name}_int8.tflite"
            path.write_bytes(untrained_int8(name))
            network: Network = create_model(name)
            card: ModelCard = network.card(name, number_format="int8")
            write_card(replace(card, sha256=sha256(path)), card_path(path))
            made[name] = path
        return made[name]

    return file


@pytest.mark.parametrize("machine", ["qemu-m4", "qemu-m7"])
@pytest.mark.parametrize("name", ["pupil", "retina_ann"])
def test_boards_follow_pupils_byte_for_byte(int8_file, name, machine) -> None:
    """Events in, through the window's C and the network's, as one program on an emulated board; beside it the
    same events through Python's windows and TensorFlow Lite Micro, fed what it said."""
    if shutil.which("qemu-system-arm") is None or shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs qemu-system-arm and gcc-arm-none-eabi (make toolchain)")
    pytest.importorskip("tflite_micro", reason="pip install 'tinytracker[micro]'")
    path = int8_file(name)
    card, events = PupilModel.load(path).card, disc(9, seconds=0.12, blink_at=None).events
    batches = [events.between(start, start + 20_000) for start in range(0, 120_000, 20_000)]
    compiled = compile_model(path.read_bytes(), name, MACHINES[machine].cpu, keep_input=False)
    files = {**compiled.files, **tracker_files(card, compiled)}
    outputs = len(card.outputs)
    tracked = track_on(MACHINES[machine], files, compiled.prefix, outputs, batches)

    model = PupilModel(card, TfliteMicroEngine(path))
    ends = np.cumsum([len(batch) for batch in batches])
    planes = windows_at(events, ends, DEFAULT_CROP, window_of(model.window)).planes
    real = model.outputs(planes)
    output = model.engine.outputs[0]
    assert np.array_equal(output.dequantize(tracked.measured.outputs), real)
    model.forget()
    centres = model.estimates(planes).centre * 64 * DEFAULT_CROP.scale
    assert np.allclose(tracked.estimates[:, :2], centres, atol=1e-3)
    if name == "pupil":
        assert np.allclose(tracked.estimates[:, 2:], real[:, 2:4], atol=1e-6)
        # What issue 18 allows: 4 million instructions and 30 kB with the window of events, a file of 40 kB.
        assert path.stat().st_size <= 40_000
        assert tracked.measured.ram_bytes <= 30_000
        assert tracked.measured.instructions.max() <= 4_000_000
    else:
        assert (tracked.estimates[:, 2:] == -1).all()


def test_the_exported_folder_is_a_whole_program_of_its_own(int8_file, tmp_path) -> None:
    """As a user gets it: compiled by the host's compiler, with nothing else beside."""
    import ctypes
    import subprocess

    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc here")
    write_c(int8_file("pupil"), tmp_path / "c")
    assert "pupil_tracker.c" in (tmp_path / "c" / "README.md").read_text()
    (tmp_path / "c" / "main.c").write_text(
        '#include "pupil_tracker.h"\n'
        "static int8_t arena[GAZE_MODEL_ARENA_BYTES] __attribute__((aligned(GAZE_MODEL_ARENA_ALIGN)));\n"
        "static pupil_tracker tracker;\n"
        "void reset(void) { pupil_tracker_reset(&tracker); }\n"
        "void push(uint32_t t, int x, int y, int rose) { pupil_tracker_push(&tracker, t, x, y, rose); }\n"
        "pupil_estimate estimate(void) { return pupil_tracker_estimate(&tracker, arena); }\n"
    )
    library = tmp_path / "pupil.so"
    sources = [str(path) for path in (tmp_path / "c").glob("*.c")]
    flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, *sources, "-o", str(library)], check=True)
    board = ctypes.CDLL(str(library))

    class Estimate(ctypes.Structure):
        _fields_ = [(name, ctypes.c_float) for name in ("x_px", "y_px", "closed", "confidence")]

    board.estimate.restype = Estimate
    board.reset()
    events = disc(9, seconds=0.06, blink_at=None).events
    for t_us, x, y, on in zip(events.t_us, events.x_px, events.y_px, events.on, strict=True):
        board.push(int(t_us), int(x), int(y), int(on))
    told = board.estimate()
    model = PupilModel.load(int8_file("pupil"), "litert-reference")
    planes = windows_at(events, np.array([len(events)]), DEFAULT_CROP, window_of(model.window)).planes
    said = model.estimate(planes[0])
    assert np.allclose([told.x_px, told.y_px], said.centre[0] * 128, atol=0.51)
    assert np.allclose(told.closed, said.closed[0], atol=1 / 128)


def test_a_board_may_see_any_part_of_its_sensor(int8_file) -> None:
    compiled = compile_model(int8_file("pupil").read_bytes(), "pupil")
    card = PupilModel.load(int8_file("pupil")).card
    settings = tracker_files(card, compiled, SensorCrop(13, -30, 5))["event_window_settings.h"]
    assert "LEFT_PX 13" in settings
    assert "TOP_PX -30" in settings
    assert "CELLS 300" in settings
    assert "AMONG 32" in settings
