import numpy as np
import pytest

from tinytracker.errors import DatasetError
from tinytracker.evaluation.landmarks import landmark_errors, score_landmarks

FACE = dict(face_x_px=100.0, face_y_px=50.0, face_w_px=200.0, face_h_px=200.0)
# In the crop, from -1 to 1: left inner, left outer, right inner, right outer, left and right centre.
PLACES = np.array([[0.2, -0.4], [0.6, -0.4], [-0.2, -0.4], [-0.6, -0.4], [0.4, -0.42], [-0.4, -0.42]])
NAMES = ("left_inner", "left_outer", "right_inner", "right_outer", "left_centre", "right_centre")
INTEROCULAR_PX = 80.0  # 0.8 of the crop's half width of 100 px


@pytest.fixture
def labels() -> dict[str, np.ndarray]:
    n = 4
    columns = {name: np.full(n, value) for name, value in FACE.items()}
    for name, (u, v) in zip(NAMES, PLACES, strict=True):
        columns[f"truth_{name}_x_px"] = np.full(n, 100 + (u + 1) * 100)
        columns[f"truth_{name}_y_px"] = np.full(n, 50 + (v + 1) * 100)
    for eye in ("left", "right"):
        columns[f"truth_{eye}_openness"] = np.array([0.35, 0.35, 0.02, 0.03])
    return columns | {
        "person": np.array(["a", "a", "b", "b"]),
        "device_kind": np.array(["phone", "phone", "phone", "tablet"]),
    }


@pytest.fixture
def outputs() -> np.ndarray:
    return np.concatenate(
        [np.tile(PLACES.reshape(-1), (4, 1)), [[0.35] * 2, [0.35] * 2, [0.02] * 2, [0.3] * 2]], axis=1
    )


def test_the_truth_has_no_error(labels, outputs) -> None:
    errors = landmark_errors(outputs, labels)
    assert errors["landmarks"] == pytest.approx(np.zeros(4), abs=1e-9)
    assert errors["openness"] == pytest.approx([0, 0, 0, 0.27])


def test_errors_are_shares_of_the_interocular_distance(labels, outputs) -> None:
    outputs[:, 0] += 0.08  # one corner of four, 8 px to the right
    errors = landmark_errors(outputs, labels)
    one = 8 / INTEROCULAR_PX * 100
    assert errors["corners"] == pytest.approx(np.full(4, one / 4))
    assert errors["centres"] == pytest.approx(np.zeros(4), abs=1e-9)
    assert errors["landmarks"] == pytest.approx(np.full(4, one / 6))


def test_rows_count_closed_eyes(labels, outputs) -> None:
    rows = {
        (row.group, row.metric): row
        for row in score_landmarks("locator", "litert", "people", "test", outputs, labels)
    }
    assert rows["all", "closed_found"].value == 50
    assert rows["all", "open_called_closed"].value == 0
    assert np.isnan(rows["device_kind=tablet", "open_called_closed"].value)
    assert rows["all", "people"].value == 2
    assert rows["device_kind=phone", "landmarks_median"].value == pytest.approx(0, abs=1e-9)


def test_lids_on_their_way_count_for_neither(labels, outputs) -> None:
    labels["truth_blink"] = np.array([False, True, True, True])  # the second: still wide open
    labels["truth_right_openness"] = np.array([0.35, 0.35, 0.02, 0.09])  # the last: one eye is not shut yet
    outputs[:3, 12:] = 0.02
    rows = {
        row.metric: row.value for row in score_landmarks("l", "litert", "p", "test", outputs, labels)[:12]
    }
    assert rows["closed_found"] == 100
    assert rows["open_called_closed"] == 100


def test_real_recordings_have_no_such_truth(outputs) -> None:
    with pytest.raises(DatasetError, match="truth_left_inner_x_px"):
        landmark_errors(outputs, FACE)
