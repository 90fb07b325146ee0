from __future__ import annotations

from pathlib import Path

import pytest

from tests.recordings import edit_json, make_recording
from tinytracker.cli.app import run


def test_summary_names_what_was_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        make_recording(tmp_path / "in", f"0000{number}")
    (tmp_path / "in/00001/dotInfo.json").write_text("{")
    edit_json(tmp_path / "in/00002", "info.json", lambda info: info | {"Dataset": "odd"})
    edit_json(tmp_path / "in/00002", "appleFace.json", lambda boxes: boxes | {"IsValid": [0, 1, 1, 0]})
    edit_json(
        tmp_path / "in/00002", "dotInfo.json", lambda dots: dots | {"XCam": [x + 1 for x in dots["XCam"]]}
    )
    out = tmp_path / "data[set]"
    arguments = [
        "prepare",
        str(tmp_path / "in"),
        str(out),
        "--face-px",
        "24",
        "--eye-px",
        "16",
        "--jobs",
        "1",
    ]
    assert run(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"6 frames of 2 recordings in {out}"
    assert lines[1:4] == [
        "  train: 2 people, 6 frames",
        "  val: 0 people, 0 frames; `tinytracker train` needs some",
        "  test: 0 people, 0 frames; `tinytracker evaluate` needs some",
    ]
    del lines[1:4]
    assert lines[1] == "  doubtful: 2 of them have a label that contradicts their dot's place on the screen"
    assert lines[2].startswith("  assumed for 1 recordings: the split train, for want of a Dataset")
    assert lines[3] == "  left out 2 frames: no valid face"
    assert lines[4].startswith("  left out a recording: 00001: dotInfo.json is not JSON")
    assert run(arguments) == 0, "a second run finds everything done"
    again = capsys.readouterr().out.splitlines()
    assert [*again[:1], *again[4:]] == lines


def test_a_dataset_is_no_recordings_and_lies_not_among_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_recording(tmp_path / "in", "00000")
    for is_there in (False, True):  # an empty folder was taken for a recording
        if is_there:
            (tmp_path / "in" / "out").mkdir()
        assert run(["prepare", str(tmp_path / "in"), str(tmp_path / "in" / "out")]) == 2
        assert "would lie among the recordings" in capsys.readouterr().err
    assert run(["prepare", str(tmp_path / "in"), str(tmp_path / "out"), "--jobs", "1"]) == 0
    assert run(["prepare", str(tmp_path / "out"), str(tmp_path / "again")]) == 2
    assert "is a dataset already; give the folder of recordings" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_events_and_faces_in_one_folder_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The faces were left out without a word."""
    from tests.pupils.eyes import circling
    from tinytracker.events.recordings import write_recording

    make_recording(tmp_path / "in", "00000")
    write_recording(tmp_path / "in" / "disc", circling(0.05))
    assert run(["prepare", str(tmp_path / "in"), str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "recordings of events, such as disc, and of faces, such as 00000; put each kind" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "code", "named"),
    [
        ([], 3, "does not exist"),
        (["--jobs", "0"], 2, "--jobs"),
        (["--face-px", "7"], 2, "face-px"),
    ],
)
def test_errors_take_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, named: str
) -> None:
    assert run(["prepare", str(tmp_path / "nowhere"), str(tmp_path / "out"), *options]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line
    assert not (tmp_path / "out").exists()
