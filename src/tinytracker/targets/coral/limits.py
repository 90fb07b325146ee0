"""What the Edge TPU's compiler maps onto the chip, as data.

Source: coral.ai, "TensorFlow models on the Edge TPU": model requirements and the table of supported
operations. An operator that is not here, or breaks its condition, runs on the processor, and everything
behind it too.
"""

from __future__ import annotations

SUPPORTED = frozenset({
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "EXPAND_DIMS",
    "FULLY_CONNECTED", "L2_NORMALIZATION", "LOGISTIC", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MUL",
    "PACK", "PAD", "PRELU", "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RELU6", "RELU_N1_TO_1",
    "RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "RSQRT", "SLICE", "SOFTMAX", "SPACE_TO_DEPTH",
    "SPLIT", "SQUEEZE", "STRIDED_SLICE", "SUB", "SUM", "SQUARED_DIFFERENCE",
    "TANH", "TRANSPOSE", "TRANSPOSE_CONV",
})  # fmt: skip

# Operator -> what to use instead, for those that gaze networks are tempted by.
REPLACEMENTS = {
    "HARD_SWISH": "train with ReLU or ReLU6 in its place",
    "GELU": "train with ReLU or ReLU6 in its place",
    "DEQUANTIZE": "export with an int8 output, as tinytracker's int8 files have it",
    "PADV2": "export with SAME padding, or PAD",
    "BATCH_MATMUL": "use a fully connected layer with constant weights",
}

MAX_DIMENSIONS_ABOVE_ONE = 3
SOFTMAX_MAX_ELEMENTS = 16_000
# The chip's memory is 8 MB; what the compiler leaves for parameters is less, and what does not fit comes over
# USB each time.
PARAMETER_BYTES = 6_900_000
