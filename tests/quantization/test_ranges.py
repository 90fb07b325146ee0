"""The ranges handed to the quantizer keep to what the format allows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engines.tflite_files import write
from tinytracker.cards import InputSpec
from tinytracker.errors import TargetError
from tinytracker.quantization.calibration import observe
from tinytracker.quantization.compare import compare
from tinytracker.quantization.ranges import SIGNED_UNIT, same_scale_groups, settle
from tinytracker.quantization.samples import evenly
from tinytracker.tflite.graph import Graph, Op, Tensor
from tinytracker.tflite.integer import check_integer
from tinytracker.tflite.read import read_graph

FACE = InputSpec("face", "face", 8, 8)
BOX = InputSpec("face_box", "face_box")


def graph_of(operators, inputs, outputs, constants=()) -> Graph:
    """operators: (kind, inputs, outputs) each."""
    ops = tuple(Op(kind, number, *ends) for number, (kind, *ends) in enumerate(operators))
    values = np.zeros((1, 4), np.float32)
    tensors = {
        number: Tensor(f"t{number}", (1, 4), "float32", data=values if number in constants else None)
        for op in ops
        for number in (*op.inputs, *op.outputs)
    }
    return Graph("hand-made", tensors, ops, inputs, outputs)


def test_pooling_reshape_and_concatenation_share_one_range():
    graph = graph_of(
        [
            ("CONV_2D", (0,), (2,)),
            ("MAX_POOL_2D", (2,), (3,)),
            ("RESHAPE", (3, 7), (4,)),
            ("FULLY_CONNECTED", (1,), (5,)),
            ("CONCATENATION", (4, 5), (6,)),
            ("TANH", (6,), (8,)),
        ],
        (0, 1),
        (8,),
        constants=(7,),
    )
    assert sorted(map(sorted, same_scale_groups(graph))) == [[0], [1], [2, 3, 4, 5, 6], [8]]
    observed = {f"t{index}": (0.0, float(index)) for index in (0, 1, 2, 3, 5, 8)}  # 4 and 6: by their group
    settled = settle(graph, observed, [FACE, BOX])
    assert settled["t0"] == SIGNED_UNIT
    assert {settled[f"t{index}"] for index in (2, 3, 4, 5, 6)} == {(0.0, 5.0)}
    assert settled["t8"] == SIGNED_UNIT


def test_a_softmax_and_what_it_joins_have_the_ranges_that_the_format_fixes():
    """Part of a map into a softmax, whose weighted mean joins a sigmoid's numbers."""
    graph = graph_of(
        [
            ("CONV_2D", (0,), (1,)),
            ("SLICE", (1, 9, 9), (2,)),
            ("SOFTMAX", (2,), (3,)),
            ("FULLY_CONNECTED", (3,), (4,)),
            ("LOGISTIC", (1,), (5,)),
            ("CONCATENATION", (4, 5), (6,)),
        ],
        (0,),
        (6,),
        constants=(9,),
    )
    observed = {"t0": (-1, 0.9), "t1": (-3.0, 2.0), "t3": (0.0, 0.4), "t4": (0.2, 0.8), "t6": (0.1, 0.9)}
    settled = settle(graph, observed, [FACE])
    assert settled["t1"] == settled["t2"] == (-3.0, 2.0)
    assert {settled[f"t{index}"] for index in (3, 4, 5, 6)} == {(0.0, 255 / 256)}


def test_a_grid_baked_in_keeps_the_pictures_range():
    graph = graph_of([("CONCATENATION", (0, 1), (2,)), ("CONV_2D", (2,), (3,))], (0,), (3,), constants=(1,))
    settled = settle(graph, {"t0": (-1, 0.9), "t2": (-1, 1), "t3": (-2, 2)}, [FACE])
    assert settled["t0"] == settled["t2"] == SIGNED_UNIT


def test_a_linear_output_has_room_and_every_range_holds_zero():
    graph = graph_of([("CONV_2D", (0,), (1,)), ("FULLY_CONNECTED", (1,), (2,))], (0,), (2,))
    settled = settle(graph, {"t0": (-1, 1), "t1": (0.5, 3.0), "t2": (-1.0, 3.0)}, [FACE])
    assert settled["t1"] == (0.0, 3.0)
    assert settled["t2"] == pytest.approx((-1.4, 3.4))


def test_a_dead_tensor_gets_coarse_steps():
    graph = graph_of([("CONV_2D", (0,), (1,)), ("CONV_2D", (1,), (2,))], (0,), (2,))
    low, high = settle(graph, {"t0": (-1, 1), "t1": (0.0, 0.0), "t2": (-1, 1)}, [FACE])["t1"]
    assert high - low >= 1  # XNNPACK refuses a rescaling by more than 256


def test_a_box_reaching_out_of_the_frame_widens_its_range():
    graph = graph_of([("FULLY_CONNECTED", (0,), (1,))], (0,), (1,))
    assert settle(graph, {"t0": (-1.2, 0.3), "t1": (-1, 1)}, [BOX])["t0"] == (-1.2, SIGNED_UNIT[1])


def test_observing_sees_the_extremes(tmp_path):
    weights = write(tmp_path / "x.tflite", (1, 4, 4, 3), "float32")
    samples = [
        np.random.default_rng(seed).uniform(-1, 1, (1, 4, 4, 3)).astype(np.float32) for seed in range(5)
    ]
    ranges = observe((tmp_path / "x.tflite").read_bytes(), [[sample] for sample in samples])
    outputs = np.array([weights @ sample.reshape(-1) for sample in samples])
    assert ranges["answer"] == pytest.approx((outputs.min(), outputs.max()), rel=1e-4)
    assert ranges["image"] == pytest.approx((min(s.min() for s in samples), max(s.max() for s in samples)))


def test_files_that_are_not_integer_are_named(tmp_path):
    write(tmp_path / "x.tflite", (1, 4, 4, 3), float_output=True)
    with pytest.raises(TargetError, match=r"mine did not become fully integer.*DEQUANTIZE"):
        check_integer((tmp_path / "x.tflite").read_bytes(), "mine")
    write(tmp_path / "x.tflite", (1, 4, 4, 3))
    check_integer((tmp_path / "x.tflite").read_bytes(), "mine")
    assert read_graph((tmp_path / "x.tflite").read_bytes()).kinds == ["FULLY_CONNECTED"]


def test_comparison_by_hand():
    truth = np.array([[0.0, 0.0], [1.0, 1.0]])
    one, other = np.array([[3.0, 4.0], [1.0, 1.0]]), np.array([[3.0, 4.0], [1.0, 3.0]])
    compared = compare(one, other, truth)
    assert (compared.error_float, compared.error_int8, compared.drift) == (2.5, 3.5, 1.0)
    assert compared.cost == compared.loss == 1.0
    eyes = compare(np.zeros((2, 14)), np.full((2, 14), 0.5), None)
    assert (eyes.loss, eyes.cost) == (None, 0.5)


@pytest.mark.parametrize(("count", "at_most", "expected"), [(5, 10, [0, 1, 2, 3, 4]), (101, 3, [0, 50, 100])])
def test_evenly(count, at_most, expected):
    assert evenly(np.arange(count), at_most).tolist() == expected
