"""Programs on emulated boards: the stub network on every machine, the released ones byte by byte against
TFLM."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.compiler.build import Builder
from tests.compiler.oracle import Oracle, random_samples
from tests.link.stub_board import INPUT_BYTES, ROW_BYTES, stub_files, stub_outputs
from tinytracker.compiler import compile_model
from tinytracker.engines.tflite_micro import TfliteMicroEngine
from tinytracker.errors import TargetError, UsageError
from tinytracker.targets.mcu import firmware
from tinytracker.targets.mcu.firmware import build
from tinytracker.targets.mcu.machines import MACHINES, find_machine
from tinytracker.targets.mcu.qemu import measure
from tinytracker.zoo import find

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")
emulated = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS),
    reason=f"{' or '.join(TOOLS)} is not there (make toolchain)",
)


def pictures(count: int) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(4)
    return [[rng.integers(-128, 128, INPUT_BYTES).astype(np.int8)] for _ in range(count)]


@emulated
class TestStub:
    @pytest.mark.parametrize("name", MACHINES)
    def test_every_machine_computes_and_counts(self, name: str) -> None:
        samples = pictures(3)
        measured = measure(stub_files(), MACHINES[name], samples)
        assert measured.outputs.tolist() == [stub_outputs(sample[0]) for sample in samples]
        assert len(set(measured.instructions.tolist())) == 1, "the same work is the same count"
        assert 8 * INPUT_BYTES < measured.instructions[0] < 40 * INPUT_BYTES
        assert measured.firmware.arena_bytes == 16, "rows are pushed: no input buffer"
        assert 16 < measured.stack_bytes < 200
        assert 100 < measured.firmware.model_flash_bytes < 300 < measured.firmware.flash_bytes

    def test_whole_pictures(self) -> None:
        samples = pictures(2)
        measured = measure(stub_files(rows=False), MACHINES["qemu-m4"], samples)
        assert measured.outputs.tolist() == [stub_outputs(sample[0]) for sample in samples]
        assert measured.firmware.arena_bytes == 16 + INPUT_BYTES

    def test_rows_at_once_change_nothing(self) -> None:
        samples = pictures(1)
        outputs = {
            measure(stub_files(), MACHINES["qemu-m4"], samples, rows).outputs.tobytes() for rows in (1, 3, 40)
        }
        assert len(outputs) == 1

    def test_counts_are_of_instructions(self) -> None:
        """A loop of known length: 1000 more turns of two instructions are 2000 more, within the counter's
        step."""
        counts = []
        for turns in (1000, 2000):
            loop = f'__asm__ volatile("mov r0, #{turns}\\n1: subs r0, #1\\nbne 1b" ::: "r0", "cc");'
            files = stub_files()
            files["gaze_model.c"] = files["gaze_model.c"].replace(
                "work *w = arena;", f"work *w = arena; {loop}", 1
            )
            assert loop in files["gaze_model.c"]
            counts.append(int(measure(files, MACHINES["qemu-m4"], pictures(1)).instructions[0]))
        assert abs(counts[1] - counts[0] - 2000) <= 40

    def test_unaligned_access_faults_on_m0plus(self) -> None:
        """The M3 that stands in for it could; the code for an M0+ must not."""
        files = stub_files()
        peek = "w->sum += *(const volatile uint32_t *)(const void *)(rows + 1);"
        files["gaze_model.c"] = files["gaze_model.c"].replace(
            "work *w = arena;\n    for", f"work *w = arena;\n    {peek}\n    for"
        )
        assert peek in files["gaze_model.c"]
        with pytest.raises(TargetError, match="ended with code 99: fault"):
            measure(files, MACHINES["qemu-m0plus"], pictures(1))
        measure(files, MACHINES["qemu-m4"], pictures(1))

    def test_too_long_an_inference_is_said(self) -> None:
        files = stub_files()
        turns = '__asm__ volatile("ldr r0, =4000000\\n1: subs r0, #1\\nbne 1b" ::: "r0", "cc");'
        loop = f"for (volatile int i = 0; i < 85; i++) {{ {turns} }}"
        files["gaze_model.c"] = files["gaze_model.c"].replace(
            "work *w = arena;", f"work *w = arena; {loop}", 1
        )
        with pytest.raises(
            TargetError, match="more than the 671 million instructions that qemu-m4 can count"
        ):
            measure(files, MACHINES["qemu-m4"], pictures(1))

    def test_a_program_that_does_not_compile(self) -> None:
        files = stub_files()
        files["gaze_model.c"] += "\n#error on purpose\n"
        with pytest.raises(TargetError, match=r"gcc refused the program.*on purpose"):
            measure(files, MACHINES["qemu-m4"], pictures(1))


# Instructions and bytes of RAM that no change may exceed unseen; counted, not timed: alike on every machine.
MOST_ON_M4 = {
    "tinytracker-s": (6.5e6, 21_000),
    "tinytracker": (16.0e6, 34_000),
    "tinytracker-eyes": (17.2e6, 59_000),
}


@emulated
@pytest.mark.parametrize(
    ("model", "machine", "count"),
    [
        ("tinytracker-s", "qemu-m4", 20),
        ("tinytracker-s", "qemu-m7", 4),
        ("tinytracker-s", "qemu-m0plus", 1),
        ("tinytracker-s", "qemu-m33", 2),
        ("tinytracker-s", "qemu-m55", 2),
        ("tinytracker", "qemu-m4", 3),
        ("tinytracker", "qemu-m7", 2),
        ("tinytracker-eyes", "qemu-m4", 2),
        ("tinytracker-eyes", "qemu-m7", 2),
    ],
)
def test_released_networks_are_tflms_byte_by_byte(model: str, machine: str, count: int) -> None:
    path = find(model).path
    oracle = TfliteMicroEngine(path)
    rng = np.random.default_rng(6)
    samples = [
        [rng.integers(-128, 128, spec.shape).astype(np.int8) for spec in oracle.inputs] for _ in range(count)
    ]
    board = MACHINES[machine]
    measured = measure(compile_model(path.read_bytes(), model, board.cpu).files, board, samples)
    if model in MOST_ON_M4 and machine in ("qemu-m4", "qemu-m7"):
        instructions, ram_bytes = MOST_ON_M4[model]
        assert measured.instructions.max() <= instructions
        assert measured.ram_bytes <= ram_bytes
    expected = [
        np.concatenate([output.reshape(-1) for output in oracle.invoke(sample)]) for sample in samples
    ]
    assert np.array_equal(measured.outputs, np.stack(expected))


def test_missing_tools_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match=r"arm-none-eabi-gcc is not on PATH.*apt install"):
        measure(stub_files(), MACHINES["qemu-m4"], pictures(1))


def test_unknown_board() -> None:
    with pytest.raises(UsageError, match="qemu-m4"):
        find_machine("qemu-m9")


def test_projects_have_what_they_include() -> None:
    for program in ("bench", "serve"):
        files = firmware.project_files(MACHINES["qemu-m4"], program)
        for text in files.values():
            for line in text.splitlines():
                if line.startswith('#include "') and "gaze_model.h" not in line:
                    assert line.split('"')[1] in files
    assert ROW_BYTES * 40 == INPUT_BYTES


@emulated
class TestManyEnds:
    """Networks of more inputs and outputs than gaze has."""

    @staticmethod
    def network(inputs: int, outputs: int, elements: int = 3) -> bytes:
        builder = Builder()
        sources = [builder.input((1, elements), 0.1, place) for place in range(inputs)]
        options = schema.ConcatenationOptionsT()
        options.axis = 1
        scaled = [builder.op("QUANTIZE", [source], (1, elements), 0.1, 0) for source in sources]
        joined = builder.op("CONCATENATION", scaled, (1, inputs * elements), 0.1, 0, options)
        return builder.finish(
            [builder.op("RELU", [joined], joined.shape, 0.1, -place) for place in range(outputs)]
        )

    def test_are_measured_whole(self) -> None:
        content = self.network(7, 5)
        board = MACHINES["qemu-m4"]
        model = compile_model(content, "many", board.cpu)
        samples = random_samples(model.graph, 3)
        expected = [
            np.concatenate([o.reshape(-1) for o in answer]) for answer in Oracle(content).invoke(samples, 5)
        ]
        assert np.array_equal(measure(model.files, board, samples).outputs, np.stack(expected))

    @pytest.mark.parametrize(
        ("ends", "message"),
        [((50, 3), "at most 52 inputs and outputs"), ((4, 3, 100), "answers with at most 1008 bytes")],
    )
    def test_what_the_link_cannot_carry_is_one_clear_line(
        self, ends: tuple[int, ...], message: str, tmp_path: Path
    ) -> None:
        board = MACHINES["qemu-m4"]
        model = compile_model(self.network(*ends), "many", board.cpu)
        with pytest.raises(TargetError, match=message) as caught:
            build(model.files, board, "serve", tmp_path)
        assert "#error" not in str(caught.value)
