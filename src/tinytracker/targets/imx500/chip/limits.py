"""What the IMX500 and Sony's tools allow: data with sources, for the linter and the converter.

"tools": read in or found by running model-compression-toolkit 2.5.1 and imx500-converter 3.19.2; "vendor":
Raspberry Pi's and Sony's documents.
"""

from __future__ import annotations

MEMORY_BYTES = 8_388_480  # for weights, maps and 1 kB reserved (tools: "Total Memory Available On Chip")
RESERVED_BYTES = 1024  # tools
CHANNELS = 3  # vendor: the processor makes the planes of one colour picture, nothing else
SMALLEST_SIDE_PX, LARGEST_SIDE_PX = 64, 640  # vendor
WIDTH_MULTIPLE, HEIGHT_MULTIPLE = 32, 2  # vendor: the input tensor is padded to these

# Layers that neither tool takes, by torch's name, with what to use instead. tools: the converter ends with an
# EtdConvManager message for the normalisations; a traced graph has no place for what depends on its own
# values.
UNCONVERTIBLE = {
    "InstanceNorm1d": "batch normalisation, which folds into the convolution before it",
    "InstanceNorm2d": "batch normalisation, which folds into the convolution before it",
    "GroupNorm": "batch normalisation, which folds into the convolution before it",
    "LocalResponseNorm": 'batch normalisation (itracker: options = { norm = "batch" })',
}
# Activations that Sony's quantiser fuses with the layer before them (tools: its platform capabilities,
# "imx500" v1).
FUSED_AFTER_CONVOLUTION = frozenset(
    {"ReLU", "ReLU6", "LeakyReLU", "Hardtanh", "SiLU", "Hardswish", "PReLU", "Sigmoid", "Tanh"}
)
FUSED_AFTER_FULLY_CONNECTED = FUSED_AFTER_CONVOLUTION - {"Tanh"}
