"""Reading the original format: what is right is read exactly, what is wrong is named and never becomes a
label."""

from __future__ import annotations

import gzip
import json
import resource
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.recordings import edit_json, make_recording, pack
from tinytracker.data.gazecapture import read_recording
from tinytracker.data.recording_files import find_recordings, open_recording
from tinytracker.errors import RecordingError

LISTS = [
    "appleFace.json",
    "appleLeftEye.json",
    "appleRightEye.json",
    "faceGrid.json",
    "dotInfo.json",
    "screen.json",
]
FILES = [*LISTS, "frames.json", "info.json"]


def read(folder: Path) -> Any:
    return read_recording(open_recording(folder))


def put(key: str, value: Any, index: int = 1) -> Callable[[dict], None]:
    """Puts a value into one place of a list."""

    def edit(content: dict) -> None:
        content[key][index] = value

    return edit


def test_boxes_as_the_official_preprocessing_makes_them(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, frames=2)
    edit_json(
        folder,
        "appleFace.json",
        lambda _: {"X": [99.9, 30], "Y": [-3.5, 40], "W": [200.7, 60], "H": [201, 60], "IsValid": [1, 1]},
    )
    edit_json(
        folder,
        "appleLeftEye.json",
        lambda _: {"X": [120.6, 1], "Y": [50.2, 1], "W": [61, 9], "H": [62.9, 9], "IsValid": [1, 1]},
    )
    first, _ = read(folder).frames
    # Cut to whole numbers towards zero, then (-1, -1, +1, +1); the eye is relative to that, and (0, -1, 0,
    # 0).
    assert first.face == (98, -4, 201, 202)
    assert first.left_eye == (98 + 120, -4 + 50 - 1, 61, 62)
    assert first.grid == (7, 7, 13, 9)


def test_labels_are_those_of_the_file(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, name="01234", split="test", device="iPad Mini", orientation=2)
    dots = json.loads((folder / "dotInfo.json").read_text())
    recording = read(folder)
    assert (recording.name, recording.device, recording.device_kind, recording.split) == (
        "01234",
        "iPad Mini",
        "tablet",
        "test",
    )
    assert [frame.gaze_x_cm for frame in recording.frames] == dots["XCam"]
    assert [frame.gaze_y_cm for frame in recording.frames] == dots["YCam"]
    assert all(frame.gaze_y_cm > 0 for frame in recording.frames), (
        "upside down, the screen is above the camera"
    )
    assert [frame.picture for frame in recording.frames] == [f"frames/{index:05d}.jpg" for index in range(4)]
    assert recording.doubtful == 0
    assert recording.truth == {}


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("appleFace.json", "no valid face"),
        ("appleLeftEye.json", "no valid left eye"),
        ("appleRightEye.json", "no valid right eye"),
        ("faceGrid.json", "no valid face grid"),
    ],
)
def test_only_frames_with_all_detections(tmp_path: Path, file: str, named: str) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, file, put("IsValid", 0))
    recording = read(folder)
    assert [frame.index for frame in recording.frames] == [0, 2, 3]
    assert recording.left_out == {named: 1}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), "12", None, [1], {}, True, 10**400, 1e300]
)
@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("appleFace.json", "X"),
        ("appleLeftEye.json", "W"),
        ("faceGrid.json", "Y"),
        ("dotInfo.json", "XCam"),
    ],
)
def test_values_that_are_no_numbers(tmp_path: Path, file: str, key: str, value: Any) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, file, put(key, value))
    recording = read(folder)
    assert [frame.index for frame in recording.frames] == [0, 2, 3]
    assert recording.left_out == {"a value that is not a number, or out of its range": 1}


@pytest.mark.parametrize("value", [2, -1, 0.5, "1", float("nan"), None, [1]])
def test_validity_that_is_neither_yes_nor_no(tmp_path: Path, value: Any) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, "appleRightEye.json", put("IsValid", value))
    assert read(folder).left_out == {"a value that is not a number, or out of its range": 1}


@pytest.mark.parametrize(
    ("file", "key", "value", "named"),
    [
        ("appleFace.json", "W", -1, "a box of impossible size or place"),  # -1 + 1: nothing left
        ("appleFace.json", "H", -60, "a box of impossible size or place"),
        ("appleFace.json", "X", 20_000, "a box of impossible size or place"),
        ("appleLeftEye.json", "W", 0, "a box of impossible size or place"),
        ("appleRightEye.json", "H", 0.9, "a box of impossible size or place"),
        ("appleRightEye.json", "H", 50_000, "a box of impossible size or place"),
        ("faceGrid.json", "W", -2, "a face grid of impossible size or place"),
        ("faceGrid.json", "X", 5000, "a face grid of impossible size or place"),
        ("dotInfo.json", "XCam", 250, "a gaze point too far from the camera"),
        ("dotInfo.json", "YCam", -101, "a gaze point too far from the camera"),
    ],
)
def test_values_out_of_range(tmp_path: Path, file: str, key: str, value: Any, named: str) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, file, put(key, value))
    recording = read(folder)
    assert [frame.index for frame in recording.frames] == [0, 2, 3]
    assert recording.left_out == {named: 1}


@pytest.mark.parametrize(
    "name", ["../../secret.jpg", "1.jpg", "", 7, None, "00001.png", "00001.jpg\0", "/00001.jpg"]
)
def test_pictures_without_a_usable_name(tmp_path: Path, name: Any) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, "frames.json", lambda names: [names[0], name, *names[2:]])
    assert read(folder).left_out == {"a picture without a usable name": 1}


def test_a_picture_named_twice_is_no_ones(tmp_path: Path) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, "frames.json", lambda names: [names[0], names[0], *names[2:]])
    recording = read(folder)
    assert [frame.index for frame in recording.frames] == [2, 3]
    assert recording.left_out == {"a picture that several labels claim": 2}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"null", b"7", b"\xff\xfe\x00", b"[" * 100_000, b'["\\ud800"]'], ids=range(8)
)
def test_missing_or_broken_json(tmp_path: Path, file: str, content: bytes | None) -> None:
    folder = make_recording(tmp_path)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    if file in ("info.json", "screen.json"):  # the labels do not need them
        assert [frame.index for frame in read(folder).frames] == [0, 1, 2, 3]
        assert any(f"for want of a usable {file}" in text for text in read(folder).assumed)
        return
    with pytest.raises(RecordingError, match=rf"00002: {file}"):
        read(folder)


@pytest.mark.parametrize("file", LISTS)
def test_lists_of_unequal_length(tmp_path: Path, file: str) -> None:
    folder = make_recording(tmp_path)
    key = {"dotInfo.json": "YCam", "screen.json": "Orientation"}.get(file, "W")
    edit_json(folder, file, lambda content: content | {key: content[key][:-1]})
    if file == "screen.json":
        assert read(folder).assumed == ("orientation 1, for want of a usable screen.json",)
        return
    with pytest.raises(RecordingError, match=rf"{file} has 3 values of {key} for 4 frames"):
        read(folder)
    edit_json(folder, file, lambda content: {name: values for name, values in content.items() if name != key})
    with pytest.raises(RecordingError, match=rf"{file} has no list {key}"):
        read(folder)


@pytest.mark.parametrize("split", ["", "training", None, 3, ["train"]])
def test_unknown_split(tmp_path: Path, split: Any) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, "info.json", lambda info: info | {"Dataset": split})
    recording = read(folder)
    assert (recording.split, len(recording.frames)) == ("train", 4)
    assert recording.assumed == ("the split train, for want of a Dataset that is train, val or test",)


@pytest.mark.parametrize("value", [0, 5, 1.5, None, "1", [1], True])
def test_unknown_orientation_of_a_frame(tmp_path: Path, value: Any) -> None:
    folder = make_recording(tmp_path, orientation=3)
    edit_json(folder, "screen.json", put("Orientation", value))
    recording = read(folder)
    assert [frame.orientation for frame in recording.frames] == [3, 1, 3, 3]
    assert recording.assumed == ("orientation 1 of frames for which screen.json has none of 1 to 4",)


@pytest.mark.parametrize(
    ("device", "name", "kind"),
    [
        ("iPhone 99", "iPhone 99", "phone"),
        ("iPad Ultra", "iPad Ultra", "tablet"),
        ("", "unknown", "phone"),
        (None, "unknown", "phone"),
        (6, "unknown", "phone"),
        ("Laptop 0x0", "Laptop 0x0", "phone"),
    ],
)
def test_unknown_device(tmp_path: Path, device: Any, name: str, kind: str) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, "info.json", lambda info: info | {"DeviceName": device})
    recording = read(folder)
    assert (recording.device, recording.device_kind, len(recording.frames)) == (name, kind, 4)
    assert recording.assumed == (f"a {kind}, of the unknown device {name!r}",)
    edit_json(folder, "info.json", lambda info: info | {"DeviceName": "iPhone 6"})
    assert read(folder).assumed == ()


def test_own_screen_says_its_kind(tmp_path: Path) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, "info.json", lambda info: info | {"DeviceName": "my desk", "DeviceKind": "monitor"})
    assert read(folder).device_kind == "monitor"


def test_person_is_the_recordings_name_unless_it_says_otherwise(tmp_path: Path) -> None:
    folder = make_recording(tmp_path)
    assert read(folder).person == "00002"
    edit_json(folder, "info.json", lambda info: info | {"Person": "Ada"})
    assert read(folder).person == "Ada"


@pytest.mark.parametrize("person", ["", " ", 7, None, ["Ada"]])
def test_person_without_a_name(tmp_path: Path, person: Any) -> None:
    folder = make_recording(tmp_path)
    edit_json(folder, "info.json", lambda info: info | {"Person": person})
    with pytest.raises(RecordingError, match="Person"):
        read(folder)


@pytest.mark.parametrize("word", ["\\ud800", "a\\uDFFFb"])
def test_half_a_character_leaves_the_recording_out_by_name(tmp_path: Path, word: str) -> None:
    folder = make_recording(tmp_path)
    (folder / "frames.json").write_text(f'["{word}.jpg", "00001.jpg", "00002.jpg", "00003.jpg"]')
    with pytest.raises(RecordingError, match=r"00002: frames\.json is not JSON: .*half a character"):
        read(folder)


def test_a_whole_character_written_as_two_halves_is_one(tmp_path: Path) -> None:
    folder = make_recording(tmp_path)
    edit_json(
        folder, "info.json", lambda info: info | {"Person": "\U0001f600"}
    )  # json.dumps writes \ud83d\ude00
    assert read(folder).person == "\U0001f600"


def test_empty_recording(tmp_path: Path) -> None:
    recording = read(make_recording(tmp_path, frames=0))
    assert recording.frames == []
    assert recording.left_out == {}


class TestTruth:
    def test_is_read(self, tmp_path: Path) -> None:
        truth = {
            "distance_cm": [30, 31.5, 32, 33],
            "blink": [True, False, False, False],
            "heads": ["ict"] * 4,
        }
        recording = read(make_recording(tmp_path, truth=truth))
        assert recording.truth == truth
        assert {type(value) for value in recording.truth["distance_cm"]} == {float}

    @pytest.mark.parametrize(
        "values", [[1, 2, 3], [1, "a", 2, 3], [True, 1, 1, 1], [None] * 4, [[1]] * 4, [10**400] * 4, 5]
    )
    def test_that_cannot_be_used(self, tmp_path: Path, values: Any) -> None:
        with pytest.raises(RecordingError, match=r"truth\.json"):
            read(make_recording(tmp_path, truth={"yaw_deg": values}))

    def test_that_is_no_table(self, tmp_path: Path) -> None:
        folder = make_recording(tmp_path)
        (folder / "truth.json").write_text("[1]")
        with pytest.raises(RecordingError, match=r"truth\.json holds a list"):
            read(folder)


class TestArchives:
    @pytest.mark.parametrize("renamed", ["00002.tar.gz", "elsewhere.tar.gz"])
    def test_read_like_folders(self, tmp_path: Path, renamed: str) -> None:
        folder = make_recording(tmp_path)
        wanted, picture = read(folder), (folder / "frames/00003.jpg").read_bytes()
        archive = pack(folder).rename(tmp_path / renamed)
        files = open_recording(archive)
        recording = read_recording(files)
        assert recording.frames == wanted.frames
        assert recording.name == renamed.removesuffix(".tar.gz")
        assert files.read("frames/00003.jpg") == picture
        assert not folder.exists(), "nothing is extracted"
        with pytest.raises(FileNotFoundError):
            files.read("frames/00004.jpg")

    def test_without_a_folder_inside(self, tmp_path: Path) -> None:
        folder = make_recording(tmp_path)
        with tarfile.open(tmp_path / "flat.tar.gz", "w:gz") as tar:
            tar.add(folder, ".")
        assert read(tmp_path / "flat.tar.gz").frames == read(folder).frames

    def test_cut_anywhere_is_refused(self, tmp_path: Path) -> None:
        content = (archive := pack(make_recording(tmp_path))).read_bytes()
        for kept in [
            0,
            5,
            18,
            *range(100, len(content), len(content) // 9),
            len(content) - 9,
            len(content) - 1,
        ]:
            archive.write_bytes(content[:kept])
            with pytest.raises(RecordingError, match=r"00002\.tar\.gz is not a whole"):
                open_recording(archive)

    def test_flipped_bit_is_refused(self, tmp_path: Path) -> None:
        content = bytearray((archive := pack(make_recording(tmp_path))).read_bytes())
        content[len(content) // 2] ^= 16
        archive.write_bytes(content)
        with pytest.raises(RecordingError, match="not a whole"):
            open_recording(archive)

    # gzip writes the time into its header; the names must not hang on it, or parallel workers collect
    # different tests.
    @pytest.mark.parametrize(
        "content",
        [b"hello", gzip.compress(b"hello"), gzip.compress(b"\1" * 2048)],
        ids=["plain text", "gzipped text", "gzipped noise"],
    )
    def test_what_is_no_archive(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "00002.tar.gz").write_bytes(content)
        with pytest.raises(RecordingError, match="not a whole"):
            open_recording(tmp_path / "00002.tar.gz")


class TestFinding:
    def test_folders_and_archives_in_order(self, tmp_path: Path) -> None:
        for name in ("00005", "00002", "00003"):
            make_recording(tmp_path, name, frames=1)
        pack(tmp_path / "00003")
        (tmp_path / "readme.txt").write_text("")
        (tmp_path / ".00009.partial").mkdir()
        assert [path.name for path in find_recordings(tmp_path)] == ["00002", "00003.tar.gz", "00005"]

    def test_a_folder_goes_before_its_archive(self, tmp_path: Path) -> None:
        pack(make_recording(tmp_path))
        make_recording(tmp_path)
        assert [path.name for path in find_recordings(tmp_path)] == ["00002"]

    def test_one_recording_by_itself(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = make_recording(tmp_path)
        assert find_recordings(folder) == [folder]
        monkeypatch.chdir(folder)
        assert open_recording(find_recordings(Path("."))[0]).name == "00002"
        archive = pack(folder)
        assert find_recordings(archive) == [archive]


def test_a_small_archive_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    """3 GiB of zeros in one member, and many members that come to it: told before they are in memory."""
    bomb = tmp_path / "00009.tar.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as packed:
        head = tarfile.TarInfo("00009/frames/00000.jpg")
        head.size = 3 << 30
        packed.write(head.tobuf())
        for _ in range(80):
            packed.write(bytes(1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        RecordingError, match=r"unpacks to more than a recording has, at '00009/frames/00000\.jpg'"
    ):
        open_recording(bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_member_without_a_name_does_no_harm(tmp_path: Path) -> None:
    folder = make_recording(tmp_path)
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as packed:
        packed.add(folder, "00002")
        packed.addfile(tarfile.TarInfo("////"))
    assert len(read_recording(open_recording(tmp_path / "packed.tar.gz")).frames) == 4
