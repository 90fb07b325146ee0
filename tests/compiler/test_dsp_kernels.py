"""The kernels for Cortex-M4 and M7, emulated, against TFLM byte by byte: blocks, 1x1 convolutions and first
layers of every shape that takes another way through them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.compiler.build import Builder, Value
from tests.compiler.oracle import Oracle, random_samples
from tinytracker.compiler import CompiledModel, compile_model
from tinytracker.compiler.kernels import Kernel, Match
from tinytracker.compiler.kernels.all import KERNELS
from tinytracker.compiler.kernels.dsp_block import Block
from tinytracker.compiler.kernels.dsp_conv import Conv
from tinytracker.compiler.kernels.dsp_dense import Dense
from tinytracker.compiler.kernels.dsp_elementwise import Most, Product, Sum
from tinytracker.compiler.kernels.dsp_point import Point
from tinytracker.compiler.kernels.dsp_stem import Stem
from tinytracker.targets.mcu.machines import find_machine
from tinytracker.targets.mcu.qemu import measure

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")
emulated = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS),
    reason=f"{' or '.join(TOOLS)} is not there (make toolchain)",
)


class Layers:
    """Adds layers with random numbers to a file: some channels dead, some all at an extreme, shifts far
    apart."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = Builder()

    def input(self, height: int, width: int, depth: int) -> Value:
        return self.builder.input((1, height, width, depth), 0.02, int(self.rng.integers(-128, 128)))

    def weighted(
        self, kind: str, source: Value, shape: tuple[int, ...], activation: str, gain: float = 1.0, **options
    ) -> Value:
        rng = self.rng
        axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
        weights = np.moveaxis(rng.integers(-127, 128, shape), axis, 0).copy()
        channels = len(weights)
        if channels > 3:
            weights[rng.integers(channels)] = 0
            weights[rng.integers(channels)] = rng.choice([-127, 127])
        terms = weights[0].size
        scales = gain / (100 * np.sqrt(terms)) * 2.0 ** rng.uniform(-2, 2, channels) / source.scale * 0.02
        bias = rng.integers(-2000, 2000, channels) * max(int(np.sqrt(terms)), 1)
        bias[~weights.reshape(channels, -1).any(axis=1)] = rng.integers(-(2**29), 2**29)
        zero = -128 if activation == "relu" else int(rng.integers(-128, 128))
        return self.builder.weighted(
            kind,
            source,
            np.moveaxis(weights, 0, axis),
            bias,
            scales,
            0.02,
            zero,
            activation=activation,
            **options,
        )

    def point(self, source: Value, channels: int, activation: str = "none", **options) -> Value:
        return self.weighted("CONV_2D", source, (channels, 1, 1, source.shape[3]), activation, **options)

    def conv(self, source: Value, channels: int, padding: str = "SAME") -> Value:
        return self.weighted(
            "CONV_2D", source, (channels, 3, 3, source.shape[3]), "relu", stride=(2, 2), padding=padding
        )

    def tail(
        self, source: Value, channels: int, stride: int, padding: str = "SAME", gain: float = 1.0
    ) -> Value:
        shape = (1, 3, 3, source.shape[3])
        wide = self.weighted(
            "DEPTHWISE_CONV_2D", source, shape, "relu", gain, stride=(stride, stride), padding=padding
        )
        return self.point(wide, channels)

    def block(
        self, source: Value, inner: int, channels: int, stride: int, padding: str = "SAME", gain: float = 1.0
    ) -> Value:
        return self.tail(self.point(source, inner, "relu"), channels, stride, padding, gain)

    def beside(self, source: Value, constants: np.ndarray, first: bool = False) -> Value:
        """CONCATENATION of channels: constants int8 (height, width, n)."""
        constant = self.builder.constant(constants[None], source.scale, source.zero_point)
        options = schema.ConcatenationOptionsT()
        options.axis = 3
        parts = [constant, source] if first else [source, constant]
        shape = (*source.shape[:3], source.shape[3] + constants.shape[2])
        return self.builder.op("CONCATENATION", parts, shape, source.scale, source.zero_point, options)

    def finish(self, output: Value) -> bytes:
        return self.builder.finish([output])


class Only:
    """A kernel held to those of its offers that a test is about, and made the cheapest."""

    def __init__(self, kernel: Kernel, wanted: Callable[[Match], bool] = lambda match: True) -> None:
        self.name, self._kernel, self._wanted = kernel.name, kernel, wanted

    def offers(self, graph, first, cpu) -> list[Match]:
        return [
            replace(match, instructions=1)
            for match in self._kernel.offers(graph, first, cpu)
            if self._wanted(match)
        ]

    def emit(self, match, graph, writer):
        return self._kernel.emit(match, graph, writer)


def check(
    content: bytes, kernel: Kernel, layers: int, machine: str = "qemu-m4", samples: int = 4
) -> CompiledModel:
    """Compiles with one fast kernel and the plain ones; all `layers` must be its own, and the answers
    TFLM's."""
    others = [known for known in KERNELS if not known.name.startswith("dsp")]
    board = find_machine(machine)
    model = compile_model(
        content, cpu=board.cpu, kernels=(kernel if isinstance(kernel, Only) else Only(kernel), *others)
    )
    covered = sum(step.count for step in model.schedule.steps if step.kernel.name == kernel.name)
    assert covered == layers, [step.kernel.name for step in model.schedule.steps]
    chosen = random_samples(model.graph, samples)
    chosen[0] = [np.full_like(array, 127) for array in chosen[0]]
    chosen[1] = [np.full_like(array, -128) for array in chosen[1]]
    expected = np.stack([answer[0].reshape(-1) for answer in Oracle(content).invoke(chosen)])
    assert len(np.unique(expected)) > 4, "the answers say something"
    measured = measure(model.files, board, chosen, rows_at_once=3)
    assert np.array_equal(measured.outputs, expected)
    return model


# height, width, depth, inner, channels, stride, padding; each pair of blocks in one program
BLOCKS = (
    ((8, 8, 8, 32, 8, 1, "SAME"), (16, 6, 2, "SAME")),  # chunks full; then padded on the right and below
    ((6, 6, 5, 18, 7, 1, "SAME"), (9, 5, 2, "SAME")),  # two left over in a row; odd channels everywhere
    ((7, 7, 3, 7, 5, 1, "SAME"), (21, 4, 2, "SAME")),  # odd sizes; then padded all round
    ((13, 9, 4, 40, 2, 2, "SAME"), (3, 3, 1, "SAME")),  # a chunk and a half
    ((11, 14, 12, 20, 9, 2, "VALID"), (6, 2, 1, "SAME")),
    ((12, 5, 6, 10, 4, 2, "SAME"), (5, 3, 2, "SAME")),  # padded on the left but not above
    ((2, 3, 2, 4, 3, 1, "SAME"), (4, 8, 1, "SAME")),
)


@emulated
class TestBlock:
    @pytest.mark.parametrize("strip", [1, 2, 99])
    @pytest.mark.parametrize(("first", "second"), BLOCKS)
    def test_shapes(self, first: tuple, second: tuple, strip: int) -> None:
        layers = Layers(strip)
        height, width, depth, *rest = first
        output = layers.block(layers.block(layers.input(height, width, depth), *rest), *second)

        def wanted(match: Match) -> bool:
            return match.detail.strip == min(strip, match.detail.shape.row_pairs)

        check(layers.finish(output), Only(Block(), wanted), 6)

    @pytest.mark.parametrize("strip", [1, 2, 99])
    @pytest.mark.parametrize(
        ("size", "inner", "stride", "padding"),
        [
            ((8, 8, 8), 32, 1, "SAME"),
            ((7, 5, 3), 7, 2, "SAME"),
            ((9, 6, 5), 21, 2, "VALID"),
            ((3, 3, 2), 2, 1, "SAME"),
        ],
    )
    def test_without_a_projection(
        self, size: tuple, inner: int, stride: int, padding: str, strip: int
    ) -> None:
        layers = Layers(inner)
        wide = layers.point(layers.input(*size), inner, "relu")
        output = layers.weighted(
            "DEPTHWISE_CONV_2D", wide, (1, 3, 3, inner), "relu", stride=(stride, stride), padding=padding
        )

        def wanted(match: Match) -> bool:
            return match.detail.strip == min(strip, match.detail.shape.row_pairs)

        check(layers.finish(output), Only(Block(), wanted), 2)

    def test_left_shifts_of_the_depthwise_layer(self) -> None:
        layers = Layers(0)
        output = layers.block(layers.input(6, 8, 8), 12, 8, 1, gain=300.0)
        model = check(layers.finish(output), Block(), 3)
        assert model.schedule.steps[0].detail.depthwise.left.max() > 0

    def test_cortex_m7(self) -> None:
        layers = Layers(1)
        output = layers.block(layers.input(10, 8, 8), 34, 12, 2)
        check(layers.finish(output), Block(), 3, machine="qemu-m7")


@emulated
class TestPoint:
    @pytest.mark.parametrize("activation", ["none", "relu"])
    @pytest.mark.parametrize(
        ("pixels", "depth", "channels"), [((1, 3), 5, 7), ((5, 5), 16, 3), ((4, 4), 70, 8), ((1, 2), 33, 2)]
    )
    def test_shapes(self, pixels: tuple[int, int], depth: int, channels: int, activation: str) -> None:
        layers = Layers(depth)
        output = layers.point(layers.input(*pixels, depth), channels, activation)
        check(layers.finish(output), Only(Point(), lambda match: match.detail.together == 4), 1)

    def test_many_pixels_at_a_time(self) -> None:
        layers = Layers(5)
        output = layers.point(layers.input(7, 5, 12), 10)
        check(layers.finish(output), Only(Point(), lambda match: match.detail.together >= 16), 1)


@emulated
class TestConv:
    """Kernel, stride, dilation downwards, padding; widths that leave 0 to 3 pixels of a tile."""

    @pytest.mark.parametrize("activation", ["none", "relu"])
    @pytest.mark.parametrize(
        ("size", "depth", "channels", "kernel", "options"),
        [
            ((9, 8), 3, 7, (5, 5), {"stride": (2, 2)}),
            ((6, 12), 8, 6, (3, 3), {}),
            ((7, 5), 5, 3, (3, 2), {"stride": (1, 3)}),
            ((10, 6), 4, 4, (2, 3), {"dilation": (3, 1), "padding": "VALID"}),
            ((8, 9), 2, 2, (1, 1), {"stride": (3, 2)}),
            ((1, 3), 1, 9, (1, 3), {}),
        ],
    )
    def test_shapes(
        self, size: tuple, depth: int, channels: int, kernel: tuple, options: dict, activation: str
    ) -> None:
        layers = Layers(depth)
        output = layers.weighted(
            "CONV_2D", layers.input(*size, depth), (channels, *kernel, depth), activation, **options
        )
        strip = 2 if activation == "none" else 1
        wanted = min(strip, output.shape[1])
        model = check(layers.finish(output), Only(Conv(), lambda match: match.detail.strip == wanted), 1)
        assert "#define GAZE_MODEL_ROWS 1" in model.files["gaze_model.h"]

    def test_one_behind_the_other_all_rows_at_once(self) -> None:
        layers = Layers(3)
        output = layers.input(7, 6, 3)
        for channels in (6, 4):
            output = layers.weighted("CONV_2D", output, (channels, 3, 3, output.shape[3]), "relu")
        check(layers.finish(output), Only(Conv(), lambda match: match.detail.strip == 7), 2)


def pair(kind: str, first: Value, second: Value, layers: Layers, scale: float) -> Value:
    """An ADD or MUL of two values."""
    options = getattr(schema, f"{kind.capitalize()}OptionsT")()
    return layers.builder.op(
        kind, [first, second], first.shape, scale, int(layers.rng.integers(-128, 128)), options
    )


@emulated
class TestElementwise:
    @pytest.mark.parametrize(
        ("one", "other", "out"), [(0.02, 0.007, 0.03), (0.004, 0.02, 0.01), (0.02, 0.02, 0.02)]
    )
    def test_sums(self, one: float, other: float, out: float) -> None:
        layers = Layers(int(1000 * one))
        operands = [
            layers.builder.input((1, 5, 3, 7), scale, int(layers.rng.integers(-128, 128)))
            for scale in (one, other)
        ]
        check(layers.finish(pair("ADD", *operands, layers, out)), Sum(), 1, samples=20)

    @pytest.mark.parametrize("gate", [(1, 1, 1, 7), (1, 5, 3, 7)])
    @pytest.mark.parametrize("swapped", [False, True])
    def test_products(self, gate: tuple, swapped: bool) -> None:
        layers = Layers(len(set(gate)))
        image = layers.builder.input((1, 5, 3, 7), 0.02, 5)
        numbers = layers.builder.input(gate, 1 / 256, -128)
        options = schema.MulOptionsT()
        operands = [numbers, image] if swapped else [image, numbers]
        output = layers.builder.op("MUL", operands, image.shape, 0.012, -7, options)
        check(layers.finish(output), Product(), 1, samples=20)

    @pytest.mark.parametrize("size", [(6, 4, 4), (5, 7, 12)])
    def test_maxima(self, size: tuple) -> None:
        layers = Layers(0)
        source = layers.input(*size)
        options = schema.Pool2DOptionsT()
        options.filterHeight = options.filterWidth = options.strideH = options.strideW = 2
        options.padding = schema.Padding.VALID
        shape = (1, size[0] // 2, size[1] // 2, size[2])
        output = layers.builder.op("MAX_POOL_2D", [source], shape, source.scale, source.zero_point, options)
        check(layers.finish(output), Most(), 1)


@emulated
@pytest.mark.parametrize("terms", [1, 8, 21, 44])
@pytest.mark.parametrize("activation", ["none", "relu6"])
def test_fully_connected(terms: int, activation: str) -> None:
    layers = Layers(terms)
    source = layers.builder.input((1, terms), 0.02, 9)
    output = layers.weighted("FULLY_CONNECTED", source, (6, terms), activation)
    check(layers.finish(output), Only(Dense()), 1, samples=8)


def separable(height: int, width: int) -> np.ndarray:
    xs, ys = np.linspace(-100, 90, width), np.linspace(-50, 120, height)
    return np.stack(np.broadcast_arrays(xs[None, :], ys[:, None]), axis=2).astype(np.int8)


@emulated
class TestStem:
    @pytest.mark.parametrize("size", [(16, 12), (15, 11), (5, 8)])
    @pytest.mark.parametrize("mixed", [(5, 3), (8, 4), (3, 5)])
    def test_mixed_channels(self, size: tuple[int, int], mixed: tuple[int, int]) -> None:
        layers = Layers(mixed[0])
        output = layers.tail(layers.conv(layers.point(layers.input(*size, mixed[0]), mixed[1]), 6), 4, 2)
        model = check(layers.finish(output), Stem(), 4)
        assert "#define GAZE_MODEL_ROWS 1" in model.files["gaze_model.h"]

    @pytest.mark.parametrize("first", [False, True])
    @pytest.mark.parametrize("size", [(16, 12), (12, 20)])
    def test_constant_channels(self, size: tuple[int, int], first: bool) -> None:
        layers = Layers(2)
        constants = separable(*size)
        if first:
            constants = np.concatenate([constants, layers.rng.integers(-128, 128, (*size, 1))], axis=2)
        joined = layers.beside(layers.input(*size, 1), constants, first)
        output = layers.block(layers.conv(joined, 8), 10, 6, 2)
        check(layers.finish(output), Stem(), 5)

    def test_without_a_projection(self) -> None:
        layers = Layers(7)
        output = layers.conv(layers.beside(layers.input(14, 12, 1), separable(14, 12)), 6)
        output = layers.point(output, 9, "relu")
        output = layers.weighted("DEPTHWISE_CONV_2D", output, (1, 3, 3, 9), "relu", stride=(2, 2))
        check(layers.finish(output), Stem(), 4)

    @pytest.mark.parametrize(("depth", "padding"), [(1, "SAME"), (2, "VALID"), (3, "SAME"), (4, "VALID")])
    def test_plain_image(self, depth: int, padding: str) -> None:
        layers = Layers(depth)
        source = layers.input(17, 16 if depth == 3 else 17, depth)
        output = (
            layers.block(layers.conv(source, 4, padding), 6, 5, 1)
            if depth > 1
            else layers.tail(layers.conv(source, 7), 5, 1)
        )
        check(layers.finish(output), Stem(), 4 if depth > 1 else 3)
