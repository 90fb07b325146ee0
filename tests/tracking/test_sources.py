"""Sources: order, times, uprightness, and a clear error for everything that is not what it should be."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.tracking.conftest import Encoder, can_turn, shades
from tinytracker.errors import ImageError, InputError, VideoError
from tinytracker.images import encode_jpeg, write_image
from tinytracker.tracking.sources import FolderSource, ImageSource, VideoSource, open_source
from tinytracker.tracking.sources.camera import CameraSource


def levels(source: VideoSource | FolderSource) -> list[int]:
    with source:
        return [round(float(frame.image.mean()) / 20) - 1 for frame in source]


def test_video_gives_frames_in_order_with_presentation_times(encode: Encoder) -> None:
    with VideoSource(encode(shades(6), rate=25)) as source:
        frames = list(source)
        assert (source.frame_count, source.frames_per_second) == (6, 25.0)
    assert [frame.index for frame in frames] == list(range(6))
    assert [frame.t_ns for frame in frames] == [index * 40_000_000 for index in range(6)]
    assert levels(VideoSource(source.path)) == list(range(6))
    assert frames[0].image.shape == (48, 64, 3)
    assert frames[0].image.dtype == np.uint8


def test_video_is_rgb(encode: Encoder) -> None:
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 200
    with VideoSource(encode([red])) as source:
        mean = next(iter(source)).image.mean(axis=(0, 1))
    assert mean[0] > 150
    assert max(mean[1:]) < 50


@can_turn
@pytest.mark.parametrize(
    ("rotation", "white_side"), [(0, "left"), (90, "bottom"), (-90, "top"), (180, "right")]
)
def test_video_is_turned_upright(encode: Encoder, rotation: int, white_side: str) -> None:
    """The tag says by how much the picture is to be turned counterclockwise: the left side goes to the
    bottom at 90."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = 255
    with VideoSource(encode([image], rotation=rotation or None)) as source:
        upright = next(iter(source)).image
    height, width = upright.shape[:2]
    assert (width, height) == ((48, 64) if rotation in (90, -90) else (64, 48))
    half = {
        "left": upright[:, : width // 2],
        "right": upright[:, width // 2 :],
        "top": upright[: height // 2],
        "bottom": upright[height // 2 :],
    }
    assert half[white_side].mean() > 240


def test_change_of_size_is_refused_naming_the_frame(encode: Encoder, tmp_path: Path) -> None:
    """Raw H.264 streams can be joined end to end; the second one's header brings another size."""
    joined = tmp_path / "joined.h264"
    first = encode(shades(5), name="first.h264")
    second = encode(shades(5, height=96, width=128), name="second.h264")
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    with VideoSource(joined) as source, pytest.raises(VideoError) as caught:
        list(source)
    message = str(caught.value)
    assert str(joined) in message
    assert "at frame 5: expected 64 x 48" in message
    assert "128 x 96" in message


def test_text_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("not a video at all\n" * 50)
    with pytest.raises(VideoError, match=r"notes\.mp4 does not open as a video"), VideoSource(path):
        pass


def test_empty_file_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(VideoError, match=r"empty\.mp4"), VideoSource(path):
        pass


def test_video_without_its_index_does_not_open(encode: Encoder, tmp_path: Path) -> None:
    """An mp4 cut off before its index, as a crashed recorder leaves it."""
    whole = encode(
        [np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(10)]
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(VideoError, match=r"cut\.mp4"), VideoSource(cut) as source:
        list(source)


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(8000))
    with pytest.raises(VideoError, match=r"song\.wav holds no pictures, only audio"), VideoSource(path):
        pass


def test_video_without_a_frame_is_refused(encode: Encoder, tmp_path: Path) -> None:
    """Only the head of a raw stream: parameters, no picture."""
    stream = encode(shades(2), name="whole.h264").read_bytes()
    path = tmp_path / "head.h264"
    path.write_bytes(stream[:600])
    with pytest.raises(VideoError, match=r"head\.h264"), VideoSource(path) as source:
        list(source)


def test_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    for index, image in enumerate(shades(11)):
        write_image(tmp_path / f"f{index}.png", image)
    (tmp_path / "notes.txt").write_text("no picture")
    source = FolderSource(tmp_path)
    assert source.frame_count == 11
    assert levels(source) == list(range(11))


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds no pictures"):
        FolderSource(tmp_path)


def test_broken_picture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8 nothing")
    with ImageSource(path) as source, pytest.raises(ImageError, match=r"broken\.jpg"):
        list(source)


def test_picture_is_turned_upright(tmp_path: Path) -> None:
    """Phones store portraits lying down with an EXIF tag: 6 means turn it clockwise by 90 degrees."""
    from PIL import Image

    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "phone.jpg"
    Image.fromarray(image).save(path, exif=exif)
    with ImageSource(path) as source:
        upright = next(iter(source)).image
    assert upright.shape == (64, 48, 3)
    assert upright[:30].mean() > 240


@pytest.mark.parametrize(
    ("name", "kind"),
    [("0", CameraSource), ("/dev/video3", CameraSource), ("folder", FolderSource), ("a.PNG", ImageSource)],
)
def test_open_source_knows_what_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: type
) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "a.png", shades(1)[0])
    (tmp_path / "folder").mkdir()
    shutil.copy("a.png", "folder/1.png")
    shutil.move("a.png", "a.PNG")
    assert isinstance(open_source(name), kind)


def test_open_source_of_a_video(encode: Encoder) -> None:
    assert isinstance(open_source(str(encode(shades(2)))), VideoSource)


def test_nothing_there() -> None:
    with pytest.raises(InputError, match=r"nowhere\.mp4 does not exist"):
        open_source("nowhere.mp4")


def test_reading_outside_the_block_is_our_bug(encode: Encoder) -> None:
    with pytest.raises(RuntimeError, match="with"):
        next(iter(VideoSource(encode(shades(1)))))


def test_one_bad_picture_is_a_row_and_the_rest_goes_on(tmp_path: Path) -> None:
    from PIL import Image

    good = shades(3)
    jpeg = encode_jpeg(good[0])
    (tmp_path / "1.jpg").write_bytes(jpeg)
    (tmp_path / "2.jpg").write_bytes(jpeg[: len(jpeg) // 2] + jpeg[-2:])  # cut, with its end kept
    (tmp_path / "._2.jpg").write_bytes(b"\0\5\x16\7" + bytes(100))  # what macOS leaves on other disks
    (tmp_path / "3.tif").write_bytes(b"II*\0" + bytes(20))
    (tmp_path / "4.heic").write_bytes(
        (24).to_bytes(4, "big") + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(100)
    )
    (tmp_path / "5.png").symlink_to("nowhere.png")
    Image.fromarray(good[0]).save(
        tmp_path / "6.gif",
        save_all=True,
        append_images=[Image.fromarray(image) for image in good[1:]],
        duration=50,
    )
    write_image(tmp_path / "7.png", good[0])
    (tmp_path / "notes.txt").touch()
    (tmp_path / "more").mkdir()
    with FolderSource(tmp_path) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(9))
    assert [bool(frame.damage) for frame in frames] == [
        False,
        True,
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    reasons = ("2.jpg is a JPEG that breaks off", "3.tif", "4.heic is a HEIC", "cannot read")
    for frame, reason in zip(frames[1:5], reasons, strict=True):
        assert frame.damage.startswith("unreadable picture: ")
        assert reason in frame.damage
        assert frame.image.shape == (0, 0, 3)
    assert np.diff([frame.t_ns for frame in frames[5:]]).tolist() == [50_000_000] * 3
    assert source.notes == [f"not read of {tmp_path}: 1 .txt, 1 folders, 1 hidden"]


def test_what_is_in_a_file_says_what_it_is(encode: Encoder, tmp_path: Path) -> None:
    picture = tmp_path / "portrait"
    picture.write_bytes(encode_jpeg(shades(1)[0]))
    assert isinstance(open_source(str(picture)), ImageSource)
    (tmp_path / "film.jpg").write_bytes(encode(shades(2)).read_bytes())
    with (
        pytest.raises(ImageError, match="is no picture that can be read"),
        open_source(str(tmp_path / "film.jpg")) as source,
    ):
        list(source)
