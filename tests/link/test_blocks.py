"""Blocks that a board runs for a meter, and a person's calibration that it applies itself."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tests.link.stub_board import needs_gcc, stub_outputs
from tests.link.wires import Wire, picture
from tinytracker.errors import DeviceError
from tinytracker.geometry import point_at_angle_cm, visual_angle_deg
from tinytracker.link.link import BoardLink
from tinytracker.link.messages import BoardCalibration, BoardTensor, Kind, Message

pytestmark = needs_gcc


class TestBlocks:
    def test_the_board_computes_as_often_as_asked_and_counts(self, board) -> None:
        link = BoardLink(Wire(board), "the stub")
        link.infer([picture(1)])
        assert (
            link.run_block(5, marked=True, timeout_s=1.0) == 5 * 7
        )  # the stub's counter goes on by 7 each time it is asked
        outputs = link.infer([picture(2)]).outputs
        assert np.concatenate(outputs).tolist() == stub_outputs(picture(2)), (
            "a frame after a block is computed as ever"
        )

    def test_a_lost_answer_is_sent_again_and_nothing_runs_twice(self, board) -> None:
        """The first answer to BLOCK is swallowed: the second is of the same block, as the counter shows."""
        answers = []

        def swallow(data: bytes) -> bytes:
            if data[3:4] == bytes([Kind.BLOCK_ANSWER]):
                answers.append(data)
                return b"" if len(answers) == 1 else data
            return data

        link = BoardLink(Wire(board, to_host=swallow), "the stub", timeout_s=0.1)
        assert link.run_block(3, marked=False, timeout_s=0.1) == 3 * 7
        assert len(answers) == 2
        assert answers[0] == answers[1]
        assert link.run_block(3, marked=False, timeout_s=0.1) == 3 * 7
        assert answers[2] != answers[1], "another question is another block"

    def test_chains_are_counted_and_marked(self, board) -> None:
        pictures, marks = (
            ctypes.c_int.in_dll(board._library, name) for name in ("board_pictures", "board_marks")
        )
        link = BoardLink(Wire(board), "the stub")
        pictures.value, marks.value = 5, 0
        assert link.run_block(5, marked=True, timeout_s=1.0, chain=True) == 5 * 7
        assert (pictures.value, marks.value) == (0, 2)

    def test_a_camera_that_stops_in_a_block_is_told(self, board) -> None:
        ctypes.c_int.in_dll(board._library, "board_pictures").value = 3
        link = BoardLink(Wire(board), "the stub")
        with pytest.raises(DeviceError, match="no picture from a camera"):
            link.run_block(5, marked=False, timeout_s=1.0, chain=True)
        assert link.run_block(5, marked=False, timeout_s=1.0) == 5 * 7, "the network still runs"


class TestCalibration:
    NUMBERS = BoardCalibration(40.0, 55.0, (0.8, 0.06, -0.02), (-3.0, 0.03, 0.2))

    def expected_cm(self, outputs: tuple[np.ndarray, ...], tensor: BoardTensor) -> tuple[float, float]:
        """The host's arithmetic, in double."""
        real = (np.concatenate(outputs)[:2].astype(float) - tensor.zero_point) * tensor.scale
        x_cm, y_cm = real * self.NUMBERS.unit_cm
        deg = np.array([1.0, *visual_angle_deg(x_cm, y_cm, self.NUMBERS.distance_cm)])
        moved = deg[1] + np.dot(self.NUMBERS.right, deg), deg[2] + np.dot(self.NUMBERS.up, deg)
        x_cm, y_cm = point_at_angle_cm(*moved, self.NUMBERS.distance_cm)
        return float(x_cm), float(y_cm)

    def test_the_board_gives_the_hosts_point_until_it_is_taken_back(self, board) -> None:
        link = BoardLink(Wire(board), "the stub")
        assert link.infer([picture(1)]).point_cm is None
        link.calibrate(self.NUMBERS)
        answer = link.infer([picture(2)])
        assert np.concatenate(answer.outputs).tolist() == stub_outputs(picture(2))
        (tensor, *_) = link.hello.outputs
        assert answer.point_cm == pytest.approx(self.expected_cm(answer.outputs, tensor), abs=1e-4)
        link.calibrate(None)
        assert link.infer([picture(2)]).point_cm is None

    def test_a_board_that_restarts_gets_it_again(self, board) -> None:
        link = BoardLink(Wire(board), "the stub")
        link.calibrate(self.NUMBERS)
        before = link.infer([picture(3)])
        board.reset()
        assert link.infer([picture(3)]).point_cm == before.point_cm
        assert link.stats.restarts == 1

    def test_another_host_does_not_inherit_it(self, board) -> None:
        BoardLink(Wire(board), "the stub").calibrate(self.NUMBERS)
        assert BoardLink(Wire(board), "the stub").infer([picture(4)]).point_cm is None

    def test_firmware_that_knows_none_says_so(self, board) -> None:
        def older(data: bytes) -> bytes:
            if data[3:4] == bytes([Kind.CALIBRATE]):
                return Message(0x70, int.from_bytes(data[4:6], "little")).encode()
            return data

        with pytest.raises(DeviceError, match="takes no calibration"):
            BoardLink(Wire(board, to_board=older), "the stub").calibrate(self.NUMBERS)
