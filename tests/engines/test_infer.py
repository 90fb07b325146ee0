"""What a .tflite without a card eats is told by its scale, its metadata or the caller; it is never guessed
wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.engines.test_feed import BOX, FACE, FRAME
from tests.engines.tflite_files import write
from tinytracker.cards import InputSpec, read_card, write_card
from tinytracker.engines.model import GazeModel
from tinytracker.errors import ModelError, UsageError
from tinytracker.faces.crops import crop, on_grid, position_channels
from tinytracker.tflite.schema import pack, unpack
from tinytracker.zoo import find

SIDE = 12
WIDTH_PX, HEIGHT_PX = FRAME.shape[1], FRAME.shape[0]


def with_metadata(path: Path, means: list[float], deviations: list[float]) -> None:
    """Adds TFLite Support's metadata: one graph, one input, one process unit that normalises."""
    builder = flatbuffers.Builder(256)

    def table(slots: dict[int, int], kinds: dict[int, int] | None = None) -> int:
        builder.StartObject(8)
        for slot, offset in slots.items():
            builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        for slot, kind in (kinds or {}).items():
            builder.PrependUint8Slot(slot, kind, 0)
        return builder.EndObject()

    def tables(offset: int) -> int:
        builder.StartVector(4, 1, 4)
        builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    floats = [builder.CreateNumpyVector(np.array(numbers, np.float32)) for numbers in (means, deviations)]
    unit = table({1: table({0: floats[0], 1: floats[1]})}, {0: 1})
    tensor = table({4: tables(unit)})
    graph = table({2: tables(tensor)})
    builder.Finish(table({3: tables(graph)}), b"M001")
    model = unpack(path.read_bytes())
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(bytes(builder.Output()), np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [entry]
    path.write_bytes(pack(model))


def answer_and_truth(
    path: Path, weights: np.ndarray, scale: float, offset: float
) -> tuple[np.ndarray, np.ndarray]:
    real = crop(FRAME, BOX, SIDE, SIDE) * scale + offset
    return GazeModel.load(path, output_scale_cm=20).run(FRAME, FACE), weights @ real.reshape(-1)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "pixels"),
    [
        ("int8", 1 / 255, -128, (1 / 255, 0.0)),
        ("uint8", 1 / 255, 0, (1 / 255, 0.0)),
        ("int8", 1 / 127.5, -1, (1 / 127.5, -1.0)),
        ("uint8", 1 / 127.5, 127, (1 / 127.5, -1.0)),
        ("int8", 1 / 128, 0, (1 / 128, -1.0)),
    ],
)
def test_scale_and_zero_point_say_what_pixels_become(
    dtype: str, scale: float, zero_point: int, pixels: tuple[float, float], tmp_path: Path
) -> None:
    path = tmp_path / "x.tflite"
    weights = write(path, (1, SIDE, SIDE, 3), dtype, scale, zero_point)
    answer, truth = answer_and_truth(path, weights, *pixels)
    assert np.abs(answer - truth).max() < 0.0101 + np.abs(weights).sum(1).max() * scale
    spec = GazeModel.load(path, output_scale_cm=20).card.inputs[0]
    assert (spec.pixel_scale, spec.pixel_offset) == pixels


@pytest.mark.parametrize(
    ("dtype", "zero_point", "offset"), [("uint8", 0, 0.0), ("int8", -128, 0.0), ("int8", 0, -128.0)]
)
def test_raw_pixels(dtype: str, zero_point: int, offset: float, tmp_path: Path) -> None:
    write(tmp_path / "x.tflite", (1, SIDE, SIDE, 3), dtype, 1.0, zero_point)
    spec = GazeModel.load(tmp_path / "x.tflite", output_scale_cm=20).card.inputs[0]
    assert (spec.pixel_scale, spec.pixel_offset) == (1.0, offset)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "channels"),
    [
        ("int8", 0.05, 0, 3),
        ("int8", 0.002, -128, 3),
        ("int8", 1 / 255, -128, 5),
        ("int8", 1.0, -128, 5),
        ("uint8", 1 / 128, 0, 3),  # 0 to 2, though the scale is ours
    ],
)
def test_what_cannot_be_told_is_refused(
    dtype: str, scale: float, zero_point: int, channels: int, tmp_path: Path
) -> None:
    write(tmp_path / "x.tflite", (1, SIDE, SIDE, channels), dtype, scale, zero_point)
    with pytest.raises(
        ModelError, match=r"holds values from .*x\.json, a card that says its pixel_scale and pixel_offset"
    ):
        GazeModel.load(tmp_path / "x.tflite", output_scale_cm=20)


class TestMetadata:
    def test_mean_and_deviation_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "x.tflite"
        weights = write(path, (1, SIDE, SIDE, 3), "float32")
        with_metadata(path, [100.0], [50.0])
        answer, truth = answer_and_truth(path, weights, 1 / 50, -2.0)
        assert answer == pytest.approx(truth, abs=1e-4)

    @pytest.mark.parametrize(
        ("means", "deviations"), [([1.0, 2.0, 3.0], [1.0]), ([0.0], [0.0]), ([float("nan")], [1.0])]
    )
    def test_what_one_scale_cannot_do_is_refused(
        self, means: list[float], deviations: list[float], tmp_path: Path
    ) -> None:
        write(tmp_path / "x.tflite", (1, SIDE, SIDE, 3), "float32")
        with_metadata(tmp_path / "x.tflite", means, deviations)
        with pytest.raises(ModelError, match="normalises its pixels by"):
            GazeModel.load(tmp_path / "x.tflite", output_scale_cm=20)

    @pytest.mark.parametrize(
        ("scale", "zero_point", "mean", "deviation"),
        [
            (1 / 127.5, -1, 0.0, 1.0),  # raw pixels into -1 to 1: all of them would be cut off
            (1 / 255, -128, 127.5, 127.5),
            (1.0, -128, 0.0, 255.0),  # all would be 0 or 1 of 255
        ],
    )
    def test_what_the_input_cannot_hold_is_refused(
        self, scale: float, zero_point: int, mean: float, deviation: float, tmp_path: Path
    ) -> None:
        path = tmp_path / "x.tflite"
        write(path, (1, SIDE, SIDE, 3), "int8", scale, zero_point)
        with_metadata(path, [mean], [deviation])
        with pytest.raises(ModelError, match=r"pixels would become .* its input image holds"):
            GazeModel.load(path, output_scale_cm=20)
        card = replace(find("tinytracker-s").require_card(), sha256="")
        spec = InputSpec(
            "image", "face", SIDE, SIDE, pixel_scale=1 / deviation, pixel_offset=-mean / deviation
        )
        write_card(replace(card, inputs=(spec,)), path.with_suffix(".json"))
        with pytest.raises(ModelError, match=r"its card \(pixel_scale, pixel_offset\) or metadata"):
            GazeModel.load(path)

    def test_what_is_rare_may_be_cut_off(self, tmp_path: Path) -> None:
        path = tmp_path / "x.tflite"
        write(path, (1, SIDE, SIDE, 3), "int8", 0.95 / 127.5, -1)
        with_metadata(path, [127.5], [127.5])
        assert GazeModel.load(path, output_scale_cm=20).card.inputs[0].pixel_scale == pytest.approx(1 / 127.5)

    def test_a_float_file_that_says_nothing_is_told_of(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        write(tmp_path / "x.tflite", (1, SIDE, SIDE, 3), "float32")
        GazeModel.load(tmp_path / "x.tflite", output_scale_cm=20)
        assert "does not say what its pixels mean" in caplog.text


class TestPositions:
    """TinyTracker as its authors trained it: the box in cells of GazeCapture's face grid, counted from 1."""

    def test_they_are_of_the_grid(self, tmp_path: Path) -> None:
        weights = write(tmp_path / "x.tflite", (1, SIDE, SIDE, 5), "float32")
        picture = crop(FRAME, BOX, SIDE, SIDE) / 127.5 - 1
        for positions, box in (("exact", BOX), ("grid-25", on_grid(BOX, WIDTH_PX, HEIGHT_PX))):
            real = np.concatenate([picture, position_channels(box, WIDTH_PX, HEIGHT_PX, SIDE, SIDE)], axis=2)
            model = GazeModel.load(tmp_path / "x.tflite", output_scale_cm=20, positions=positions)
            assert model.run(FRAME, FACE) == pytest.approx(weights @ real.reshape(-1), abs=1e-4)

    def test_a_card_may_say_so(self, tmp_path: Path) -> None:
        write(tmp_path / "x.tflite", (1, SIDE, SIDE, 5), "float32")
        asked = GazeModel.load(tmp_path / "x.tflite", output_scale_cm=20, positions="grid-25")
        write_card(asked.card, tmp_path / "x.json")
        assert read_card(tmp_path / "x.json").inputs[0].position_grid == 25
        assert GazeModel.load(tmp_path / "x.tflite").run(FRAME, FACE) == pytest.approx(asked.run(FRAME, FACE))

    def test_they_mean_nothing_to_a_network_without(self, tmp_path: Path) -> None:
        write(tmp_path / "x.tflite", (1, SIDE, SIDE, 3), "float32")
        with pytest.raises(UsageError, match="mean nothing to a network"):
            GazeModel.load(tmp_path / "x.tflite", output_scale_cm=20, positions="grid-25")
        with pytest.raises(UsageError, match="expected one of exact, grid-25"):
            GazeModel.load(tmp_path / "x.tflite", output_scale_cm=20, positions="grid-5")  # type: ignore[arg-type]
