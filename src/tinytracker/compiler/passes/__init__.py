"""Graph -> graph, each step exact: the network computes the same bytes after as before.

- ends.py: a float input's QUANTIZE and a float output's DEQUANTIZE go; their scales stand in the header
- constants.py: operators on constants alone are computed now
- depthwise.py: a depthwise convolution of one channel becomes a plain one
- padding.py: PAD into the convolution behind it
"""

from collections.abc import Callable, Sequence

from tinytracker.compiler.passes.constants import fold_constants
from tinytracker.compiler.passes.depthwise import depthwise_of_one_channel
from tinytracker.compiler.passes.ends import drop_float_ends
from tinytracker.compiler.passes.padding import fold_padding
from tinytracker.compiler.verify import verify_pass
from tinytracker.tflite.graph import Graph

__all__ = ["opened", "simplify"]

Pass = Callable[[Graph], Graph]


# In the order in which they help each other: those before `check`, which make a file's graph one of int8
# alone, and those behind it, which take for granted what it found to be so.
OPENING: tuple[Pass, ...] = (drop_float_ends, fold_constants)
SIMPLIFYING: tuple[Pass, ...] = (depthwise_of_one_channel, fold_padding)


def opened(graph: Graph, verified: bool = False) -> Graph:
    """The graph of a file as `check` wants it. verified: see `run`."""
    return run(OPENING, graph, verified)


def simplify(graph: Graph, verified: bool = False) -> Graph:
    """What `check` has passed, in a form that takes less work. verified: see `run`."""
    return run(SIMPLIFYING, graph, verified)


def run(passes: Sequence[Pass], graph: Graph, verified: bool = False) -> Graph:
    """One pass after the other; with `verified`, the graph is looked through after each, and WrongGraph names
    the pass that left it wrong."""
    for one in passes:
        after = one(graph)
        if verified:
            verify_pass(graph, after, one.__name__)
        graph = after
    return graph
