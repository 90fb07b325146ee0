"""The files of the field: what we write, others read; what is damaged is told; what can be read of it is
kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.events.test_stream import some_events
from tinytracker.errors import RecordingError, TinytrackerError, UsageError
from tinytracker.events.files.layouts import LAYOUTS, find_layout, find_recordings, layout_of
from tinytracker.events.files.reading import made_good
from tinytracker.events.files.streams import FORMATS, read_stream, write_stream
from tinytracker.events.labels import labels_of
from tinytracker.events.recordings import EventRecording
from tinytracker.events.stream import Events

COLUMNS = ("t_us", "x_px", "y_px", "on")
UNIX_US = 1_657_711_084_443_803
SIZES = {"tinytracker": (346, 260), "ini-30": (640, 480), "3et": (640, 480), "eveye": (346, 260)}


def stream(size_px: tuple[int, int], count: int = 4000, start_us: int = UNIX_US) -> Events:
    events = some_events(count)
    return Events(
        events.t_us * 100 + start_us,
        events.x_px,
        events.y_px,
        events.on,
        width_px=size_px[0],
        height_px=size_px[1],
    )


def eye(layout: str, name: str = "someone_right_7", person: str = "someone") -> EventRecording:
    """An eye that looks about for a second, closed from 300 to 400 ms."""
    events = stream(SIZES[layout])
    t_us = np.arange(events.t_us[0], events.t_us[-1], 10_000)
    turn = np.linspace(0, 6, len(t_us))
    labels = labels_of(
        t_us,
        x_px=150 + 40 * np.cos(turn),
        y_px=120 + 30 * np.sin(turn),
        major_px=44,
        minor_px=40,
        angle_deg=30,
        openness=0.4,
        closed=(t_us - t_us[0] >= 300_000) & (t_us - t_us[0] < 400_000),
    )
    return EventRecording(name, person, "davis346", events, labels, {"eye": "right"})


def same(a: Events, b: Events) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in COLUMNS)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_kind_of_file_gives_back_what_was_written(tmp_path: Path, suffix: str) -> None:
    start_us = 0 if suffix in (".es", ".dat") else UNIX_US
    events = stream((346, 260), start_us=start_us)
    write_stream(tmp_path / f"events{suffix}", events)
    got = read_stream(tmp_path / f"events{suffix}")
    shift_us = int(events.t_us[0] - got.events.t_us[0]) if suffix == ".es" else 0
    assert shift_us in (0, int(events.t_us[0])), ".es has a clock of its own, which starts at 0"
    assert np.array_equal(got.events.t_us + shift_us, events.t_us)
    assert all(np.array_equal(getattr(got.events, name), getattr(events, name)) for name in COLUMNS[1:])
    if suffix not in (".h5", ".hdf5", ".txt"):
        assert (got.events.width_px, got.events.height_px) == (346, 260)
    assert not got.left_out
    with pytest.raises(UsageError, match="are written as one of"):
        write_stream(tmp_path / "events.avi", events)
    (tmp_path / "events.avi").touch()
    with pytest.raises(RecordingError, match="no file of events"):
        read_stream(tmp_path / "events.avi")


def test_another_reader_of_aedat4_reads_ours(tmp_path: Path) -> None:
    aedat = pytest.importorskip("aedat", reason="aedat, another reader of AEDAT4, is not installed")
    events = stream((640, 480), 30_000)
    write_stream(tmp_path / "a.aedat4", events)
    decoder = aedat.Decoder(str(tmp_path / "a.aedat4"))
    (about,) = decoder.id_to_stream().values()
    assert (about["type"], about["width"], about["height"]) == ("events", 640, 480)
    rows = np.concatenate([packet["events"] for packet in decoder if "events" in packet])
    for theirs, ours in zip(("t", "x", "y", "on"), COLUMNS, strict=True):
        assert np.array_equal(rows[theirs], getattr(events, ours))


def test_3et_files_are_as_the_challenge_loads_them(tmp_path: Path) -> None:
    """The challenge's loader takes rows of t, x, y, p (uint64) and splits a line at ", " between brackets."""
    h5py = pytest.importorskip("h5py")
    recording = eye("3et")
    folder = find_layout("3et").write(tmp_path, recording, ())
    with h5py.File(folder / f"{folder.name}.h5") as file:
        rows = file["events"][:]
    assert rows.dtype == np.dtype([(name, "<u8") for name in "txyp"])
    lines = (folder / "label.txt").read_text().splitlines()
    labels = np.array([[float(word) for word in line.strip("()\n").split(", ")] for line in lines])
    assert labels.shape == (100, 3), "100 labels a second"
    assert labels[:, 2].tolist() == [0.0] * 30 + [1.0] * 10 + [0.0] * 60


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_recording_comes_back_from_every_layout(tmp_path: Path, layout: str) -> None:
    recording = eye(layout)
    LAYOUTS[layout].write(tmp_path, recording, ())
    LAYOUTS[layout].finish(tmp_path)
    (found,) = find_recordings(tmp_path)
    assert (found.layout, found.person) == (layout, "someone")
    read = LAYOUTS[layout].read(found.folder)
    assert same(read.recording.events, recording.events)
    assert read.recording.name == found.name
    is_open = ~recording.labels["closed"]
    got, wanted = read.recording.labels, recording.labels[is_open]
    if layout == "eveye":  # a frame every 40 ms
        wanted = wanted[np.isin(wanted["t_us"], got["t_us"])]
        assert len(wanted) == 23
    if layout in ("3et", "tinytracker"):
        assert got["closed"].sum() == 10
        got = got[~got["closed"]]
    for name in ("t_us", "x_px", "y_px", *(() if layout == "3et" else ("major_px", "minor_px", "angle_deg"))):
        np.testing.assert_allclose(got[name], wanted[name], atol=0.04, err_msg=name)


@pytest.mark.parametrize("layout", ["ini-30", "3et", "eveye"])
def test_another_sensor_than_the_sets_is_refused(tmp_path: Path, layout: str) -> None:
    with pytest.raises(UsageError, match="128 x 128 pixels"):
        LAYOUTS[layout].write(
            tmp_path, EventRecording("a", "a", "speck", stream((128, 128)), labels_of([])), ()
        )


@pytest.mark.parametrize(
    ("name", "person"),
    [("2022-05-17_l-adam_01_L", "adam"), ("2022-04-12_andreas_01", "andreas"), ("mine", "mine")],
)
def test_whose_eye_ini_30s_names_say(name: str, person: str) -> None:
    assert LAYOUTS["ini-30"].identify(Path(name)).person == person


def test_ini_30_as_it_is_laid_out(tmp_path: Path) -> None:
    """Extra columns, an index before them, rows that are not possible or off the sensor."""
    folder = tmp_path / "2022-04-26_martina_01_L"
    folder.mkdir()
    write_stream(folder / "events.aedat4", stream((640, 480)))
    (folder / "annotations.csv").write_text(
        ",timestamp,possible,center_x,center_y,axis_x,axis_y,angle,by\n"
        f"0,{UNIX_US + 900},True,300.5,200.25,20,26,10,me\n"
        f"1,{UNIX_US + 100},1,310,210,26,20,10,me\n"
        f"2,{UNIX_US + 200},False,,,,,,me\n"
        f"3,{UNIX_US + 300},1,900,210,26,20,10,me\n"
    )
    read = LAYOUTS["ini-30"].read(folder)
    labels = read.recording.labels
    assert labels["t_us"].tolist() == [UNIX_US + 100, UNIX_US + 900]
    assert labels["major_px"].tolist() == [52, 52]
    assert labels["angle_deg"].tolist() == [10, 100]
    assert read.left_out == {"labels marked as not possible": 1, "labels without a place on the sensor": 1}
    (folder / "annotations.csv").unlink()
    (tmp_path / "silver.csv").write_text(
        f"\texp_name\tx_coord\ty_coord\tt_end\n0\t{folder.name}\t300\t200\t{UNIX_US}\n"
    )
    assert LAYOUTS["ini-30"].read(folder).recording.labels["x_px"].tolist() == [300]
    (tmp_path / "silver.csv").unlink()
    with pytest.raises(RecordingError, match="there are no labels"):
        LAYOUTS["ini-30"].read(folder)


def test_eveye_as_it_is_laid_out(tmp_path: Path) -> None:
    folder = tmp_path / "user12" / "left" / "session_1_0_2"
    (folder / "events").mkdir(parents=True)
    (folder / "events" / "events.txt").write_text(
        "".join(f"{number}\t{UNIX_US + number} 210 132 {number % 2}\n" for number in range(1, 50))
    )
    with pytest.raises(RecordingError, match="no table of ellipses"):
        LAYOUTS["eveye"].read(folder)
    (folder / "user_12.csv").write_text(
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
        f'000001_{UNIX_US + 5}.png,9,"{{}}",0,0,"{{}}","{{}}"\n'
        f'000002_{UNIX_US + 9}.png,9,"{{}}",1,0,"{{""name"":""ellipse"",""cx"":168,""cy"":138,""rx"":21.15,'
        '""ry"":19,""theta"":2.636}","{}"\n'
        '17.png,9,"{}",1,0,"{""name"":""ellipse"",""cx"":1,""cy"":1,""rx"":2,""ry"":1,""theta"":0}","{}"\n'
    )
    with (folder / "user_12.csv").open("a") as table:  # numbers that no float holds
        for number in ("1" + "0" * 400, "1e999"):
            shape = f'{{""name"":""ellipse"",""cx"":{number},""cy"":1,""rx"":2,""ry"":1,""theta"":0}}'
            table.write(f'000003_{UNIX_US + 11}.png,9,"{{}}",1,0,"{shape}","{{}}"\n')
    (found,) = find_recordings(tmp_path)
    assert (found.name, found.person) == ("user12_left_session_1_0_2", "user12")
    read = LAYOUTS["eveye"].read(folder)
    assert len(read.recording.events) == 49
    assert read.recording.events.on.sum() == 25
    (label,) = read.recording.labels
    assert label["t_us"] == UNIX_US + 9
    assert (label["x_px"], label["y_px"], label["minor_px"]) == (168, 138, 38)
    assert label["angle_deg"] == pytest.approx(np.degrees(2.636))
    assert read.left_out == {"frames that nobody labelled": 3, "labels of frames whose name says no time": 1}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "empty": lambda path: path.write_bytes(b""),
    "other": lambda path: path.write_bytes(b"this is a letter, no events\n" * 99),
    "zeros": lambda path: path.write_bytes(bytes(len(path.read_bytes()))),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_of_damaged_files_what_can_be_read_is_kept(tmp_path: Path, suffix: str, damage: str) -> None:
    path = tmp_path / f"events{suffix}"
    events = stream((346, 260), 40_000, start_us=0)
    write_stream(path, events)
    DAMAGES[damage](path)
    if damage != "cut" or suffix in (".npz", ".h5", ".hdf5"):
        with pytest.raises(RecordingError, match="events"):
            read_stream(path)
        return
    read = read_stream(path)
    assert 5000 < len(read.events) < 40_000
    assert same(read.events, events.rows(0, len(read.events)))
    if suffix in (".aedat4", ".txt"):  # the others have no mark of their end
        assert "what comes before is kept" in " ".join(read.notes)


@pytest.mark.parametrize("suffix", FORMATS)
def test_flipped_bits_are_no_traceback(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events{suffix}"
    write_stream(path, stream((346, 260), 2000, start_us=0))
    whole = path.read_bytes()
    random = np.random.default_rng(4)
    places = np.r_[random.integers(0, min(400, len(whole)), 12), random.integers(0, len(whole), 12)]
    for place in places.tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            read_stream(path)
        except TinytrackerError:
            continue


def test_events_that_no_sensor_sends_are_left_out_and_counted() -> None:
    columns = {
        "t": np.array([5, 7, 6, 1 << 62, 9, 8], np.uint64),
        "x": np.array([1, 2, 3, 4, 999, 0]),
        "y": np.array([1, 2, 3, 4, 5, 0]),
        "p": np.array([1, -1, 0, 1, 1, 1]),
    }
    read = made_good(columns, (346, 260), Path("a"))
    assert read.events.t_us.tolist() == [5, 6, 7, 8]
    assert read.events.on.tolist() == [True, False, False, True]
    assert read.left_out == {"events outside of the sensor": 1, "events of an impossible time": 1}
    assert read.notes == ["time goes back at 1 events; they were put in order"]
    assumed = made_good({**columns, "x": columns["y"]}, None, Path("a"))
    assert assumed.events.width_px == 128
    assert "assumed a sensor of 128 x 128" in assumed.notes[0]


def test_a_bad_line_ends_a_text(tmp_path: Path) -> None:
    (tmp_path / "events.txt").write_text("10 1 1 0\n11 1 1 1\n12 1 1\n13 1 1 1\n14 2 2 0\n")
    read = read_stream(tmp_path / "events.txt")
    assert read.events.t_us.tolist() == [10, 11]
    assert "damaged after line 2" in " ".join(read.notes)


def test_lines_of_3et_that_are_none_leave_their_time_empty(tmp_path: Path) -> None:
    folder = find_layout("3et").write(tmp_path, eye("3et"), ())
    (folder / "label.txt").write_text("(10, 20, 0)\noops\n(30.5, 40, 1)\n(9999, 1, 0)\n5, 6\n")
    read = LAYOUTS["3et"].read(folder)
    first_us = read.recording.events.t_us[0]
    assert (read.recording.labels["t_us"] - first_us).tolist() == [0, 20_000, 40_000]
    assert read.recording.labels["closed"].tolist() == [False, True, False]
    assert sum(read.left_out.values()) == 2
    (folder / "label.txt").rename(folder / "label_zeros.txt")
    with pytest.raises(RecordingError, match="no labels"):
        LAYOUTS["3et"].read(folder)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        LAYOUTS["3et"].write(tmp_path / part, eye("3et", "4_1", "4"), ())
    with pytest.raises(RecordingError, match="both called 4_1"):
        find_recordings(tmp_path)
    assert layout_of(tmp_path) is None
