"""Graph -> graph, each step exact: the network computes the same bytes after as before.

- ends.py: a float input's QUANTIZE and a float output's DEQUANTIZE go; their scales stand in the header
- constants.py: operators on constants alone are computed now
- depthwise.py: a depthwise convolution of one channel becomes a plain one
- padding.py: PAD into the convolution behind it
"""

from tinytracker.targets.mcu.graph import Graph
from tinytracker.targets.mcu.passes.constants import fold_constants
from tinytracker.targets.mcu.passes.depthwise import depthwise_of_one_channel
from tinytracker.targets.mcu.passes.ends import drop_float_ends
from tinytracker.targets.mcu.passes.padding import fold_padding

__all__ = ["drop_float_ends", "fold_constants", "simplify"]


def simplify(graph: Graph) -> Graph:
    """All exact passes, in the order in which they help each other."""
    return fold_padding(depthwise_of_one_channel(graph))
