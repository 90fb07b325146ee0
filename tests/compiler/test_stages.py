"""The compiler's stages one by one: what it refuses and how it says so, the memory plan, the schedule, the
arithmetic."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.compiler.build import Builder
from tests.compiler.graphs import OPERATORS, RandomGraph
from tinytracker.compiler import compile_model, fixedpoint
from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import ALIGNMENT, Kernel, Match, Step, Writer
from tinytracker.compiler.kernels.all import KERNELS
from tinytracker.compiler.kernels.lanes import tiles_of
from tinytracker.compiler.kernels.rows import Rows
from tinytracker.compiler.layout import Layout, arrange, same_bytes
from tinytracker.compiler.passes import run, simplify
from tinytracker.compiler.report import make_report
from tinytracker.compiler.verify import WrongGraph
from tinytracker.errors import ModelError, TargetError, UsageError
from tinytracker.tflite.graph import Graph
from tinytracker.tflite.read import read_graph
from tinytracker.zoo import find


def released(name: str) -> bytes:
    return find(name).path.read_bytes()


class TestRefusals:
    def test_an_unknown_operator(self) -> None:
        builder = Builder()
        source = builder.input((1, 4, 4, 2), 0.1, 0)
        options = schema.ResizeBilinearOptionsT()
        output = builder.op(
            "RESIZE_BILINEAR", [source, builder.integers([8, 8])], (1, 8, 8, 2), 0.1, 0, options
        )
        with pytest.raises(TargetError, match=r"layer 0 \(RESIZE_BILINEAR\) .* use only CONV_2D"):
            compile_model(builder.finish([output]))

    def test_float_in_the_middle(self) -> None:
        builder = Builder()
        source = builder.input((1, 4), 0.1, 0)
        builder._operators  # noqa: B018
        output = builder.op("DEQUANTIZE", [source], (1, 4), None, 0)
        builder._tensors[output.number].type = schema.TensorType.FLOAT32
        last = builder.op("QUANTIZE", [output], (1, 4), 0.1, 0)
        with pytest.raises(TargetError, match=r"layer 0 \(DEQUANTIZE\).*float32.*quantise"):
            compile_model(builder.finish([last]))

    def test_a_changed_scale_where_nothing_is_computed(self) -> None:
        builder = Builder()
        source = builder.input((1, 4, 4, 2), 0.1, 0)
        output = builder.op(
            "RESHAPE", [source, builder.integers([1, 32])], (1, 32), 0.2, 0, schema.ReshapeOptionsT()
        )
        with pytest.raises(TargetError, match="changes the scale"):
            compile_model(builder.finish([output]))

    def test_a_softmax_that_tflm_aborts_on(self) -> None:
        builder = Builder()
        source = builder.input((1, 512), 0.001, 0)
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        output = builder.op("SOFTMAX", [source], (1, 512), 1 / 256, -128, options)
        with pytest.raises(TargetError, match=r"layer 0 \(SOFTMAX\) is over 512 values.*at most 511"):
            compile_model(builder.finish([output]))

    def test_weights_with_a_zero_point(self) -> None:
        builder = Builder()
        source = builder.input((1, 8), 0.1, 0)
        weights = np.ones((3, 8))
        output = builder.weighted("FULLY_CONNECTED", source, weights, None, [0.1], 1.0, 0)
        builder._tensors[1].quantization.zeroPoint = [3]
        with pytest.raises(
            TargetError, match=r"layer 0 \(FULLY_CONNECTED\) has weights with a zero point; quantise"
        ):
            compile_model(builder.finish([output]))

    def test_no_tflite(self) -> None:
        with pytest.raises(ModelError, match="is not a"):
            compile_model(b"nothing of the kind", "picture")

    @pytest.mark.parametrize("length", [30, 400, 5000])
    def test_a_damaged_file(self, length: int) -> None:
        with pytest.raises((ModelError, TargetError)):
            compile_model(released("eye-locator")[:length], "cut")

    def test_an_unknown_core_and_a_bad_prefix(self) -> None:
        with pytest.raises(UsageError, match="there is no core 'z80'; expected one of portable"):
            compile_model(released("eye-locator"), cpu="z80")
        with pytest.raises(UsageError, match="cannot begin C names"):
            compile_model(released("eye-locator"), prefix="two words")


class InRunsOnly:
    """A kernel that does not compute a layer unless it comes to it in a run that began before."""

    def __init__(self, kernel: Kernel, index: int) -> None:
        self._kernel, self._index = kernel, index
        self.name = kernel.name

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        return [] if first == self._index else self._kernel.offers(graph, first, cpu)

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        raise AssertionError("its matches are the kernel's own")


class TestPlan:
    @pytest.mark.parametrize("keep_input", [True, False])
    @pytest.mark.parametrize("seed", range(30))
    def test_what_lives_together_lies_apart(self, seed: int, keep_input: bool) -> None:
        content = RandomGraph(np.random.default_rng(seed), 6).finish()
        plan = compile_model(content, keep_input=keep_input).plan
        for one, other in itertools.combinations(plan.buffers, 2):
            together = one.first <= other.last and other.first <= one.last
            apart = one.offset + one.bytes <= other.offset or other.offset + other.bytes <= one.offset
            assert apart or not together, (one, other)
        for buffer in plan.buffers:
            assert buffer.offset % ALIGNMENT == 0
            assert buffer.offset + buffer.bytes <= plan.arena_bytes
        work = [buffer for buffer in plan.buffers if buffer.offset < plan.work_bytes]
        assert all(buffer.offset + buffer.bytes <= plan.work_bytes for buffer in work)

    def test_a_residual_sum_lies_where_the_block_began(self) -> None:
        model = compile_model(released("tinytracker"))
        shared = [buffer for buffer in model.plan.buffers if " = " in buffer.name]
        assert len(shared) >= 5  # every residual block, at least


class TestSchedule:
    def test_blocks_are_computed_in_runs(self) -> None:
        model = compile_model(released("tinytracker"))
        fused = [step for step in model.schedule.steps if step.count >= 3]
        assert sum(step.count for step in fused) >= 40  # of 46 operators
        assert model.schedule.steps[0].streams

    @pytest.mark.parametrize("cpu", ["portable", "cortex-m4"])
    def test_squeeze_and_excite_costs_no_other_block_its_run(self, cpu: str) -> None:
        graph = RandomGraph(np.random.default_rng(5), 0)
        for kind in ("residual", "squeeze", "residual"):
            added = OPERATORS[kind](graph, graph.values[-1])
            assert added is not None
            graph.values.append(added)
        model = compile_model(graph.finish(), cpu=cpu)
        assert sum(step.count >= 3 for step in model.schedule.steps) == 2

    def test_a_layer_that_only_a_run_covers_behind_one_that_was_dropped(self) -> None:
        """Numbers in the file and indices in the graph part where a pass drops an operator: here the
        padding in front."""
        builder = Builder()
        source = builder.input((1, 6, 6, 4), 0.1, 0)
        pads = builder.integers([[0, 0], [1, 1], [1, 1], [0, 0]])
        padded = builder.op("PAD", [source, pads], (1, 8, 8, 4), 0.1, 0, schema.PadOptionsT())
        wide = builder.weighted(
            "CONV_2D", padded, np.ones((8, 3, 3, 4)), None, [0.1] * 8, 1.0, 0, padding="VALID"
        )
        deep = builder.weighted("DEPTHWISE_CONV_2D", wide, np.ones((1, 3, 3, 8)), None, [0.1] * 8, 1.0, 0)
        narrow = builder.weighted("CONV_2D", deep, np.ones((4, 1, 1, 8)), None, [0.1] * 4, 1.0, 0)
        content = builder.finish([narrow])
        last = len(compile_model(content).graph.ops) - 1
        assert compile_model(content).graph.ops[last].number == last + 1
        model = compile_model(content, kernels=[InRunsOnly(kernel, last) for kernel in KERNELS])
        assert max(step.count for step in model.schedule.steps) > 1
        with pytest.raises(TargetError, match=r"layer 3 \(CONV_2D\) has a form no kernel computes"):
            compile_model(
                content,
                kernels=[InRunsOnly(kernel, last) for kernel in KERNELS if not isinstance(kernel, Rows)],
            )

    def test_every_operator_is_computed_once_in_order(self) -> None:
        model = compile_model(released("tinytracker-eyes"))
        done = [
            place for step in model.schedule.steps for place in range(step.first, step.first + step.count)
        ]
        assert done == list(range(len(model.graph.ops)))


class TestReport:
    def test_says_where_a_fast_kernel_would_not_be_exact(self) -> None:
        """A clamp at 6 inside the range, and sums too large for half a word."""
        builder = Builder()
        source = builder.input((1, 4, 4, 64), 0.1, 0)
        weights = np.full((4, 3, 3, 64), 127)
        output = builder.weighted(
            "CONV_2D", source, weights, np.zeros(4), [0.1] * 4, 0.04, 0, activation="relu6"
        )
        content = builder.finish([output])
        notes = {}
        for cpu in ("cortex-m4", "portable"):
            (notes[cpu],) = (
                step.note
                for step in make_report(compile_model(content, cpu=cpu)).steps
                if "0 CONV_2D" in step.layers
            )
        assert notes["cortex-m4"].endswith("no dsp kernel computes it exactly")
        assert notes["portable"] == "layer 0 by plain sums, for exactness"

    def test_says_nothing_where_all_is_fast(self) -> None:
        assert not any(
            "exact" in step.note
            for step in make_report(compile_model(released("tinytracker-s"), cpu="m4")).steps
        )


class TestPasses:
    def test_one_that_goes_wrong_is_found_at_its_own_door(self) -> None:
        graph = read_graph(released("tinytracker-s"))

        def drop_the_third(graph: Graph) -> Graph:
            return graph.with_ops([op for index, op in enumerate(graph.ops) if index != 2])

        def halve_a_shape(graph: Graph) -> Graph:
            number = graph.ops[1].outputs[0]
            return graph.with_tensor(number, replace(graph[number], shape=(1, 1, 1, 1)))

        with pytest.raises(
            WrongGraph, match=r"after drop_the_third: layer 3 .* which nothing has computed yet"
        ):
            run([simplify, drop_the_third], graph, verified=True)
        with pytest.raises(WrongGraph, match=r"after halve_a_shape: layer 1 .* gives the shape"):
            run([halve_a_shape], graph, verified=True)

    def test_padding_goes_into_the_convolution(self) -> None:
        builder = Builder()
        source = builder.input((1, 5, 5, 2), 0.1, 3)
        pads = builder.integers([[0, 0], [1, 0], [0, 2], [0, 0]])
        padded = builder.op("PAD", [source, pads], (1, 6, 7, 2), 0.1, 3, schema.PadOptionsT())
        output = builder.weighted(
            "CONV_2D", padded, np.ones((4, 3, 3, 2)), np.zeros(4), [0.1] * 4, 1.0, 0, padding="VALID"
        )
        graph = simplify(read_graph(builder.finish([output]), "padded"))
        assert [op.kind for op in graph.ops] == ["CONV_2D"]
        window = graph.ops[0].window
        assert window is not None
        assert (window.before, window.after) == ((1, 0), (0, 2))

    def test_a_depthwise_convolution_of_one_channel_becomes_a_plain_one(self) -> None:
        builder = Builder()
        source = builder.input((1, 6, 5, 1), 0.1, 3)
        weights = np.arange(-18, 18).reshape(1, 3, 3, 4)
        output = builder.weighted(
            "DEPTHWISE_CONV_2D", source, weights, np.zeros(4), [0.1, 0.2, 0.3, 0.4], 1.0, 0, stride=(2, 2)
        )
        graph = simplify(read_graph(builder.finish([output]), "grey"))
        (op,) = graph.ops
        assert (op.kind, graph[op.inputs[1]].shape) == ("CONV_2D", (4, 3, 3, 1))
        assert graph.constant(op.inputs[1])[2, :, :, 0].tolist() == weights[0, :, :, 2].tolist()
        quantization = graph[op.inputs[1]].quantization
        assert quantization is not None
        assert quantization.axis == 0
        assert quantization.scales == pytest.approx((0.1, 0.2, 0.3, 0.4))

    def test_operators_on_constants_are_computed_beforehand(self) -> None:
        """A grid that is sliced, reshaped and joined before it meets the picture."""
        builder = Builder()
        source = builder.input((1, 2, 3, 1), 0.1, 3)
        grid = builder.constant(np.arange(12).reshape(1, 2, 2, 3), 0.1, 3)
        numbers = [builder.integers(values) for values in ([0, 0, 0, 0], [1, 2, 2, 2])]
        part = builder.op("SLICE", [grid, *numbers], (1, 2, 2, 2), 0.1, 3, schema.SliceOptionsT())
        turned = builder.op(
            "TRANSPOSE",
            [part, builder.integers([0, 2, 1, 3])],
            (1, 2, 2, 2),
            0.1,
            3,
            schema.TransposeOptionsT(),
        )
        pads = builder.integers([[0, 0], [0, 0], [0, 1], [0, 0]])
        padded = builder.op("PAD", [turned, pads], (1, 2, 3, 2), 0.1, 3, schema.PadOptionsT())
        options = schema.ConcatenationOptionsT()
        options.axis = 3
        output = builder.op("CONCATENATION", [source, padded], (1, 2, 3, 3), 0.1, 3, options)
        model = compile_model(builder.finish([output]))
        assert [op.kind for op in model.graph.ops] == ["CONCATENATION"]
        folded = model.graph.constant(model.graph.ops[0].inputs[1])
        expected = np.arange(12).reshape(2, 2, 3)[:, :, :2].transpose(1, 0, 2)
        np.testing.assert_array_equal(folded[0, :, :2], expected)
        np.testing.assert_array_equal(folded[0, :, 2], np.full((2, 2), 3))

    def test_float_ends_go(self) -> None:
        builder = Builder()
        real = builder.tensor((1, 4), None, dtype=schema.TensorType.FLOAT32)
        builder._inputs.append(real.number)
        whole = builder.op("QUANTIZE", [real], (1, 4), 0.1, 5)
        relu = builder.op("RELU", [whole], (1, 4), 0.2, -128)
        output = builder.op("DEQUANTIZE", [relu], (1, 4), None, 0)
        builder._tensors[output.number].type = schema.TensorType.FLOAT32
        model = compile_model(builder.finish([output]))
        assert [op.kind for op in model.graph.ops] == ["RELU"]
        assert "#define GAZE_MODEL_INPUT_0_ZERO_POINT (5)" in model.files["gaze_model.h"]


class TestArithmetic:
    def test_multipliers_mean_what_they_stand_for(self) -> None:
        for real in (0.75, 1.0, 3.2, 2.0**-20, 0.999999999999):
            multiplier, shift = fixedpoint.quantize_multiplier(real)
            assert multiplier * 2.0 ** (shift - 31) == pytest.approx(real, rel=1e-9)
            assert 2**30 <= multiplier < 2**31
        assert fixedpoint.quantize_multiplier(1e-12) == (0, 0)

    def test_rounding_shifts_halves_away_from_zero(self) -> None:
        assert [fixedpoint.rounding_shift(value, 1) for value in (-3, -2, -1, 0, 1, 2, 3)] == [
            -2,
            -1,
            -1,
            0,
            1,
            1,
            2,
        ]
        assert fixedpoint.rounding_shift(-7, 0) == -7

    def test_functions_are_close_to_the_real_ones(self) -> None:
        for value in np.linspace(-7, 7, 29):
            fixed = round(float(value) * 2**27)
            assert fixedpoint.tanh(fixed) / 2**31 == pytest.approx(np.tanh(value), abs=1e-6)
            assert fixedpoint.logistic(fixed) / 2**31 == pytest.approx(1 / (1 + np.exp(-value)), abs=1e-6)

    @pytest.mark.parametrize("width", range(1, 60))
    def test_tiles_cover_a_row(self, width: int) -> None:
        tiles = tiles_of(width)
        assert 2 * tiles.pairs >= width
        assert 2 * tiles.pairs < width + 8


def test_layouts_that_are_the_same_bytes() -> None:
    rng = np.random.default_rng(1)
    for hwc in itertools.product((1, 2, 3), repeat=3):
        image = rng.permutation(int(np.prod(hwc))).reshape(hwc)
        for one, other in itertools.product(Layout, repeat=2):
            equal = np.array_equal(arrange(image, one), arrange(image, other))
            assert equal or not same_bytes(one, other, hwc)
            if min(hwc) > 1:
                assert equal == (one is other)
