"""Random small graphs over the whole op set: shapes, strides, paddings, odd channel counts, zero points,
scales, dead channels, saturating activations, multipliers above one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.compiler.build import ACTIVATIONS, Builder, Value
from tinytracker.compiler.check import MOST_SOFTMAX


class RandomGraph:
    """Grows a graph from one or two inputs, `steps` operators long; everything follows from the generator."""

    def __init__(self, rng: np.random.Generator, steps: int) -> None:
        self.rng = rng
        self.builder = Builder()
        self.kinds: list[str] = []
        shape = (
            1,
            int(rng.integers(1, 13)),
            int(rng.integers(1, 13)),
            int(rng.choice([1, 2, 3, 4, 5, 8, 13])),
        )
        self.values = [self.builder.input(shape, self.scale(), self.zero())]
        if rng.random() < 0.2:
            self.values.append(self.builder.input(shape, self.scale(), self.zero()))
            self.values.append(
                pairwise_of("ADD", self, *self.values)
            )  # TFLM crashes on an input nobody reads
        while len(self.kinds) < steps:
            kind = str(rng.choice(list(OPERATORS)))
            source = (
                self.values[-1] if rng.random() < 0.8 else self.values[int(rng.integers(len(self.values)))]
            )
            added = OPERATORS[kind](self, source)
            if added is not None:
                self.kinds.append(kind)
                self.values.append(added)

    def finish(self) -> bytes:
        """Everything nobody reads is an output: TFLM crashes on values that go nowhere. Some are listed
        twice, and now and then an input goes straight through."""
        outputs = self.builder.unread()
        if self.rng.random() < 0.2:
            outputs.append(outputs[int(self.rng.integers(len(outputs)))])
        if self.rng.random() < 0.1:
            outputs.append(self.values[0])
        return self.builder.finish(outputs)

    def scale(self) -> float:
        return float(np.float32(2.0 ** self.rng.uniform(-9, -2)))

    def zero(self) -> int:
        return int(self.rng.choice([-128, -128, 127, 0, int(self.rng.integers(-128, 128))]))

    def activation(self) -> str:
        return str(self.rng.choice(["none", "none", "relu", "relu", "relu6", "relu_n1_to_1"]))

    def weights(self, shape: tuple[int, ...], axis: int) -> np.ndarray:
        """Of full range or small; some channels all zero, some all at an extreme."""
        rng = self.rng
        reach = int(rng.choice([127, 127, 30, 3]))
        weights = np.moveaxis(rng.integers(-reach, reach + 1, shape), axis, 0).copy()
        for channel in range(len(weights)):
            luck = rng.random()
            if luck < 0.08:
                weights[channel] = 0
            elif luck < 0.12:
                weights[channel] = rng.choice([-127, 127])
        return np.moveaxis(weights, 0, axis)

    def weighted(self, kind: str, source: Value, shape: tuple[int, ...], axis: int, **options) -> Value:
        rng = self.rng
        weights = self.weights(shape, axis)
        channels = shape[axis]
        per_channel = rng.random() < 0.7
        terms = int(np.prod(shape)) // channels
        out_scale = self.scale()
        # The effective multiplier: usually such that outputs fill their range, sometimes far off, above one
        # too.
        typical = 1 / (30 * np.sqrt(terms) * max(np.abs(weights).mean(), 1))
        effective = typical * 2.0 ** rng.uniform(-3, 3) if rng.random() < 0.8 else 2.0 ** rng.uniform(-24, 3)
        scales = (
            effective * out_scale / source.scale * 2.0 ** rng.uniform(-2, 2, channels if per_channel else 1)
        )
        bias = None
        if rng.random() < 0.85:
            bias = rng.integers(-3000, 3000, channels)
            dead = np.flatnonzero(
                np.abs(np.moveaxis(weights, axis, 0).reshape(channels, -1)).sum(axis=1) == 0
            )
            bias[dead] = rng.integers(-(2**30), 2**30, len(dead))  # as real files have them
            # Left shifts of large sums wrap in the reference: undefined, and no network means it.
            bias[dead] >>= 12 if np.max(effective * 4) >= 1 else 0
        return self.builder.weighted(
            kind,
            source,
            weights,
            bias,
            scales,
            out_scale,
            self.zero(),
            activation=self.activation(),
            **options,
        )

    def window(self, source: Value) -> dict:
        """Kernel size, stride, dilation, padding that leave at least one pixel."""
        rng = self.rng
        kernel = tuple(int(rng.choice([1, 1, 2, 3, 3, 5])) for _ in range(2))
        if rng.random() < 0.6:
            kernel = (kernel[0], kernel[0])
        stride = (int(rng.integers(1, 4)),) * 2
        dilation = (int(rng.choice([1, 1, 1, 2])),) * 2
        if rng.random() < 0.2:
            stride, dilation = (int(rng.integers(1, 4)), int(rng.integers(1, 4))), (1, 1)
        fits = all((k - 1) * d + 1 <= n for k, d, n in zip(kernel, dilation, source.shape[1:3], strict=True))
        padding = "VALID" if fits and rng.random() < 0.4 else "SAME"
        return {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}

    def like(self, source: Value, shape, kind: str, inputs, options=None) -> Value:
        """An operator whose output has its input's scale."""
        return self.builder.op(kind, inputs, shape, source.scale, source.zero_point, options)

    def other(self, source: Value) -> Value | None:
        """An earlier value of the same shape."""
        same = [value for value in self.values if value.shape == source.shape and value is not source]
        return same[int(self.rng.integers(len(same)))] if same else None


def is_image(value: Value) -> bool:
    return len(value.shape) == 4


def conv(graph: RandomGraph, source: Value) -> Value | None:
    if not is_image(source):
        return None
    w = graph.window(source)
    channels, depth = int(graph.rng.choice([1, 2, 3, 7, 8, 16, 24])), source.shape[3]
    if depth % 2 == 0 and channels % 2 == 0 and graph.rng.random() < 0.15:
        depth //= 2
    shape = (channels, *w.pop("kernel"), depth)
    return graph.weighted("CONV_2D", source, shape, 0, **w)


def pointwise(graph: RandomGraph, source: Value) -> Value | None:
    if not is_image(source):
        return None
    return graph.weighted("CONV_2D", source, (int(graph.rng.integers(1, 40)), 1, 1, source.shape[3]), 0)


def depthwise(graph: RandomGraph, source: Value) -> Value | None:
    if not is_image(source):
        return None
    w = graph.window(source)
    if graph.rng.random() < 0.5:
        w["kernel"], w["dilation"], w["padding"] = (3, 3), (1, 1), "SAME"
    shape = (1, *w.pop("kernel"), source.shape[3] * int(graph.rng.choice([1, 1, 1, 2])))
    return graph.weighted("DEPTHWISE_CONV_2D", source, shape, 3, **w)


def dense(graph: RandomGraph, source: Value) -> Value | None:
    size = int(np.prod(source.shape))
    if size > 2500:
        return None
    return graph.weighted("FULLY_CONNECTED", source, (int(graph.rng.integers(1, 20)), size), 0)


def pairwise(kind: str) -> Callable[[RandomGraph, Value], Value | None]:
    def add(graph: RandomGraph, source: Value) -> Value:
        rng = graph.rng
        other = graph.other(source)
        if other is None or rng.random() < 0.4:
            shape = source.shape if rng.random() < 0.4 else (*[1] * (len(source.shape) - 1), source.shape[-1])
            other = graph.builder.constant(rng.integers(-128, 128, shape), graph.scale(), graph.zero())
        operands = (source, other) if rng.random() < 0.5 or other.shape != source.shape else (other, source)
        return pairwise_of(kind, graph, *operands)

    return add


def pairwise_of(kind: str, graph: RandomGraph, first: Value, second: Value) -> Value:
    scale = max(first.scale, second.scale) * float(2.0 ** graph.rng.uniform(-2, 2))
    if kind == "MUL":
        scale = first.scale * second.scale * float(2.0 ** graph.rng.uniform(-1, 8))
    options = getattr(schema, f"{kind.capitalize()}OptionsT")()
    options.fusedActivationFunction = ACTIVATIONS[graph.activation()]
    return graph.builder.op(kind, [first, second], first.shape, scale, graph.zero(), options)


def residual(graph: RandomGraph, source: Value) -> Value | None:
    """A whole inverted residual block, so that runs of layers are met often."""
    if not is_image(source):
        return None
    rng = graph.rng
    wide = graph.weighted("CONV_2D", source, (int(rng.choice([6, 9, 16, 24])), 1, 1, source.shape[3]), 0)
    stride = int(rng.choice([1, 1, 2]))
    deep = graph.weighted("DEPTHWISE_CONV_2D", wide, (1, 3, 3, wide.shape[3]), 3, stride=(stride, stride))
    channels = source.shape[3] if stride == 1 else int(rng.integers(1, 20))
    narrow = graph.weighted("CONV_2D", deep, (channels, 1, 1, deep.shape[3]), 0)
    if stride == 2:
        return narrow
    options = schema.AddOptionsT()
    options.fusedActivationFunction = ACTIVATIONS["none"]
    operands = [source, narrow] if rng.random() < 0.5 else [narrow, source]
    return graph.builder.op(
        "ADD", operands, source.shape, max(source.scale, narrow.scale), graph.zero(), options
    )


def squeeze(graph: RandomGraph, source: Value) -> Value | None:
    """Squeeze and excite: mean, two small layers, logistic, product."""
    if not is_image(source):
        return None
    mean = mean_of(graph, source, (1, 2), keep=True)
    gate = graph.weighted("CONV_2D", mean, (source.shape[3], 1, 1, source.shape[3]), 0)
    gate = graph.builder.op("LOGISTIC", [gate], gate.shape, 1 / 256, -128)
    options = schema.MulOptionsT()
    options.fusedActivationFunction = ACTIVATIONS["none"]
    operands = [source, gate] if graph.rng.random() < 0.5 else [gate, source]
    return graph.builder.op("MUL", operands, source.shape, source.scale, source.zero_point, options)


def mean_of(graph: RandomGraph, source: Value, axes: tuple[int, ...], keep: bool) -> Value:
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    shape = [1 if axis in axes else length for axis, length in enumerate(source.shape)]
    if not keep:
        shape = [length for axis, length in enumerate(shape) if axis not in axes]
    scale, zero = (
        (source.scale, source.zero_point) if graph.rng.random() < 0.3 else (source.scale / 2, graph.zero())
    )
    return graph.builder.op("MEAN", [source, graph.builder.integers(list(axes))], shape, scale, zero, options)


def mean(graph: RandomGraph, source: Value) -> Value | None:
    if not is_image(source):
        return None
    axes = (1, 2) if graph.rng.random() < 0.7 else (int(graph.rng.integers(1, 4)),)
    return mean_of(graph, source, axes, keep=bool(graph.rng.random() < 0.7))


def pool(kind: str) -> Callable[[RandomGraph, Value], Value | None]:
    def add(graph: RandomGraph, source: Value) -> Value | None:
        if not is_image(source):
            return None
        rng = graph.rng
        kernel = [int(rng.integers(1, min(n, 5) + 1)) for n in source.shape[1:3]]
        if rng.random() < 0.2:
            kernel = list(source.shape[1:3])
        options = schema.Pool2DOptionsT()
        options.filterHeight, options.filterWidth = kernel
        options.strideH, options.strideW = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        options.padding = schema.Padding.SAME if rng.random() < 0.5 else schema.Padding.VALID
        options.fusedActivationFunction = ACTIVATIONS[graph.activation()]
        full = (
            source.shape[1:3]
            if options.padding == schema.Padding.SAME
            else [n - k + 1 for n, k in zip(source.shape[1:3], kernel, strict=True)]
        )
        shape = (1, -(-full[0] // options.strideH), -(-full[1] // options.strideW), source.shape[3])
        return graph.like(source, shape, kind, [source], options)

    return add


def reshape(graph: RandomGraph, source: Value) -> Value:
    size = int(np.prod(source.shape))
    shape = (1, size) if graph.rng.random() < 0.5 else (1, 1, size // source.shape[-1], source.shape[-1])
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    return graph.like(source, shape, "RESHAPE", [source, graph.builder.integers(list(shape))], options)


def transpose(graph: RandomGraph, source: Value) -> Value:
    order = [0, *(1 + graph.rng.permutation(len(source.shape) - 1))]
    shape = [source.shape[axis] for axis in order]
    return graph.like(
        source, shape, "TRANSPOSE", [source, graph.builder.integers(order)], schema.TransposeOptionsT()
    )


def split(graph: RandomGraph, source: Value) -> Value | None:
    axis = len(source.shape) - 1
    if source.shape[axis] % 2:
        return None
    options = schema.SplitOptionsT()
    options.numSplits = 2
    shape = (*source.shape[:-1], source.shape[-1] // 2)
    dimension = graph.builder.integers([axis])
    parts = graph.builder.ops(
        "SPLIT", [dimension, source], [(shape, source.scale, source.zero_point)] * 2, options
    )
    graph.values.append(parts[0])
    return parts[1]


def strided_slice(graph: RandomGraph, source: Value) -> Value:
    rng = graph.rng
    begin, end, strides, shape = [], [], [], []
    for length in source.shape:
        if rng.random() < 0.2 and length > 1:
            jump, start, stop = -int(rng.integers(1, 3)), length - 1, 0
            count = -((start - stop) // jump)
        else:
            start = int(rng.integers(0, length))
            stop, jump = int(rng.integers(start + 1, length + 1)), int(rng.integers(1, 3))
            count = -((start - stop) // jump)
        begin.append(start)
        end.append(stop)
        strides.append(jump)
        shape.append(count)
    options = schema.StridedSliceOptionsT()
    numbers = [graph.builder.integers(values) for values in (begin, end, strides)]
    return graph.like(source, shape, "STRIDED_SLICE", [source, *numbers], options)


def concatenation(graph: RandomGraph, source: Value) -> Value:
    rng = graph.rng
    axis = int(rng.integers(1, len(source.shape)))
    shape = list(source.shape)
    shape[axis] = int(rng.integers(1, 4))
    constant = graph.builder.constant(rng.integers(-128, 128, shape), source.scale, source.zero_point)
    parts = [source, constant] if rng.random() < 0.7 else [constant, source]
    if rng.random() < 0.3:
        parts.append(source)
    options = schema.ConcatenationOptionsT()
    options.axis = axis - (len(source.shape) if rng.random() < 0.3 else 0)
    shape[axis] = sum(part.shape[axis] for part in parts)
    return graph.like(source, shape, "CONCATENATION", parts, options)


def pad(graph: RandomGraph, source: Value) -> Value:
    pairs = graph.rng.integers(0, 3, (len(source.shape), 2))
    pairs[0] = 0
    if is_image(source) and graph.rng.random() < 0.7:
        pairs[3] = 0
    shape = [length + int(pair.sum()) for length, pair in zip(source.shape, pairs, strict=True)]
    return graph.like(source, shape, "PAD", [source, graph.builder.integers(pairs)], schema.PadOptionsT())


def unary(kind: str) -> Callable[[RandomGraph, Value], Value | None]:
    def add(graph: RandomGraph, source: Value) -> Value | None:
        if kind == "SOFTMAX" and source.shape[-1] > MOST_SOFTMAX:
            return None  # TFLM aborts
        rng = graph.rng
        scale, zero, options = source.scale * float(2.0 ** rng.uniform(-2, 2)), graph.zero(), None
        if kind in ("LOGISTIC", "SOFTMAX"):
            scale, zero = 1 / 256, -128
        if kind == "TANH":
            scale, zero = 1 / 128, 0
        if kind == "HARD_SWISH":
            options = schema.HardSwishOptionsT()
            scale = source.scale * float(2.0 ** rng.uniform(-3, 2))
        if kind == "SOFTMAX":
            options = schema.SoftmaxOptionsT()
            options.beta = float(rng.choice([1.0, 0.5]))
        if kind == "RELU6":
            scale, zero = source.scale, source.zero_point
        return graph.builder.op(kind, [source], source.shape, scale, zero, options)

    return add


OPERATORS: dict[str, Callable[[RandomGraph, Value], Value | None]] = {
    "CONV_2D": conv,
    "pointwise": pointwise,
    "DEPTHWISE_CONV_2D": depthwise,
    "residual": residual,
    "squeeze": squeeze,
    "FULLY_CONNECTED": dense,
    **{kind: pairwise(kind) for kind in ("ADD", "SUB", "MUL")},
    "MEAN": mean,
    **{kind: pool(kind) for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D")},
    "RESHAPE": reshape,
    "TRANSPOSE": transpose,
    "SPLIT": split,
    "STRIDED_SLICE": strided_slice,
    "CONCATENATION": concatenation,
    "PAD": pad,
    **{
        kind: unary(kind)
        for kind in ("RELU", "RELU6", "HARD_SWISH", "LOGISTIC", "TANH", "SOFTMAX", "QUANTIZE")
    },
}
