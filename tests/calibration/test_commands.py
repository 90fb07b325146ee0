"""calibrate, validate, track --calibration and recalibrate: a rendered person looks at dots, the rest is
files and lines."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import av
import numpy as np
import pytest

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.layouts import check_layout, layout
from tinytracker.cli.app import run
from tinytracker.devices import screen_json, sized_device
from tinytracker.geometry import screen_size_points
from tinytracker.tracking.recalibrate import read_rows
from tinytracker.tracking.sources import open_source
from tinytracker.tracking.video import VideoWriter

pytest.importorskip("numba", reason="numba, which renders people, is not installed")

SCREEN = sized_device("laptop", 34.0, 21.0)
FRAMES_PER_SECOND, FRAMES_PER_DOT = 15, 14


@pytest.fixture(scope="module")
def sitting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with dots.mp4 (a person looks at nine dots, most of a second each), dots.csv and
    screen.json."""
    from tinytracker.synthetic.person import Person
    from tinytracker.synthetic.pose import Sway
    from tinytracker.synthetic.session import Session, added
    from tinytracker.synthetic.setup import Setup
    from tinytracker.synthetic.subject import Expression

    folder = tmp_path_factory.mktemp("sitting")
    rng = np.random.default_rng(5)
    session = Session(Person.from_seed(77_022), rng, Setup.at(SCREEN, rng))
    width, height = screen_size_points(SCREEN, 1)
    lines, index = ["start_s,end_s,x_px,y_px,use"], 0
    uses = [(place, "fit") for place in layout(5)] + [(place, "check") for place in check_layout(4)]
    with VideoWriter(folder / "dots.mp4", crf=8) as video:
        for (across, down), use in uses:
            sway, starts_s = Sway.draw(rng).scaled(0.5), index / FRAMES_PER_SECOND
            target = session.target(across * width, down * height)
            for _ in range(FRAMES_PER_DOT):
                shown = session.frame_at(
                    target, added(sway, Sway.draw(rng).scaled(0.1)), Expression(smile=0.15)
                )
                video.write_picture(shown.image(), round(index * 1e9 / FRAMES_PER_SECOND))
                index += 1
            ends_s = index / FRAMES_PER_SECOND
            lines.append(f"{starts_s:.3f},{ends_s:.3f},{across * width:.0f},{down * height:.0f},{use}")
    (folder / "dots.csv").write_text("\n".join(lines) + "\n")
    (folder / "screen.json").write_text(screen_json(SCREEN))
    (folder / "larger.json").write_text(screen_json(sized_device("laptop", 36.0, 22.0)))
    return folder


ROW = '{"t_ns": 16, "valid": true, "distance_cm": 60, "raw_x_deg": 0.5, "raw_y_deg": 0}'


def command(name: str, *arguments: object) -> int:
    return run(["--quiet", name, *map(str, arguments)])


def calibrated(sitting: Path) -> Path:
    """me.json in the folder, made once."""
    path = sitting / "me.json"
    if not path.exists():
        given = ("--dots", sitting / "dots.csv", "--screen", sitting / "screen.json", "--out", path)
        assert command("calibrate", sitting / "dots.mp4", *given) in (0, 1)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_calibrate_writes_a_profile_and_says_how_good_it_is(
    sitting: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sitting / "me.json").unlink(missing_ok=True)
    path = calibrated(sitting)
    told = capsys.readouterr().out
    profile = Calibration.load(path)
    assert len(profile.dots) == 5 + 4  # those of the check, once they had told
    assert "5 dots used" in told
    assert all(dot.frames >= 5 and dot.valid_share > 0.9 for dot in profile.dots)
    check = profile.validation
    assert check is not None
    assert len(check.dots) == 4
    assert check.sentence in told
    assert check.error_deg < check.centre_deg
    conditions = profile.conditions
    assert conditions.network is not None
    assert conditions.network.name == "tinytracker-eyes"
    assert conditions.screen is not None
    assert (conditions.screen.width_cm, conditions.screen.height_px) == (34.0, 840)
    assert conditions.camera is not None
    assert (conditions.camera.width_px, conditions.camera.height_px) == (640, 480)


def test_track_applies_it_and_keeps_raw_gaze(sitting: Path) -> None:
    profile = calibrated(sitting)
    gaze = sitting / "gaze.csv"
    given = ("--screen", sitting / "screen.json", "--calibration", profile, "--no-filter", "--csv", gaze)
    assert command("track", sitting / "dots.mp4", *given, "--max-frames", 20) == 0
    calibration, rows = Calibration.load(profile), [row for row in rows_of(gaze) if row["valid"] == "1"]
    assert len(rows) >= 15
    for row in rows:
        expected = calibration.apply(float(row["raw_x_deg"]), float(row["raw_y_deg"]))
        np.testing.assert_allclose((float(row["x_deg"]), float(row["y_deg"])), expected, atol=2e-3)
        assert row["calibration_id"] == calibration.id


def test_before_a_camera_it_is_of_another_sitting(sitting: Path) -> None:
    """Whoever starts the program anew has sat down anew; a recording may be of the sitting of the dots."""
    from tinytracker.cli.track import Person, _calibration
    from tinytracker.engines.model import GazeModel
    from tinytracker.tracking.calibrating import network_used
    from tinytracker.tracking.options import TrackOptions

    path, network = calibrated(sitting), GazeModel.load("tinytracker-eyes")
    used = network_used(network.card, network.source)
    stored = Calibration.load(path)
    film, camera = (
        _calibration(Person(path), used, source, TrackOptions())
        for source in (open_source(str(sitting / "dots.mp4")), open_source("0"))
    )
    np.testing.assert_array_equal(film.coefficients, stored.coefficients)
    np.testing.assert_array_equal(camera.coefficients, stored.carried_over().coefficients)
    assert not np.array_equal(camera.coefficients, stored.coefficients)


def test_recalibrate_gives_what_tracking_with_it_gives(sitting: Path) -> None:
    profile = calibrated(sitting)
    plain, with_it = sitting / "plain.csv", sitting / "with.csv"
    given = (sitting / "dots.mp4", "--screen", sitting / "screen.json", "--max-frames", 30)
    assert command("track", *given, "--csv", plain) == 0
    assert command("track", *given, "--csv", with_it, "--calibration", profile) == 0
    assert command("recalibrate", plain, "--calibration", profile, "--out", sitting / "anew.csv") == 0
    for mine, theirs in zip(rows_of(sitting / "anew.csv"), rows_of(with_it), strict=True):
        assert mine["calibration_id"] == theirs["calibration_id"]
        if theirs["valid"] == "1":
            for name, within in (
                ("x_deg", 0.01),
                ("y_deg", 0.01),
                ("gaze_x_cm", 0.03),
                ("gaze_y_cm", 0.03),
            ):  # distance: 0.1 cm
                assert float(mine[name]) == pytest.approx(float(theirs[name]), abs=within), name
        if theirs["valid"] == "1":
            assert float(mine["screen_x_px"]) == pytest.approx(float(theirs["screen_x_px"]), abs=1.0)


def test_validate_measures_the_dots_of_a_file(sitting: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, *lines = (sitting / "dots.csv").read_text().splitlines()
    for name, is_check in (("first.csv", False), ("later.csv", True)):
        chosen = [line for line in lines if ("check" in line) == is_check]
        (sitting / name).write_text("\n".join([head, *chosen]) + "\n")
    screen, video = ("--screen", sitting / "screen.json"), sitting / "dots.mp4"
    given = ("--dots", sitting / "first.csv", *screen, "--out", sitting / "unchecked.json")
    assert command("calibrate", video, *given) == 0
    given = ("--calibration", sitting / "unchecked.json", "--dots", sitting / "later.csv", *screen)
    capsys.readouterr()
    assert command("validate", video, *given, "--out", sitting / "checked.json") in (0, 1)
    told, check = capsys.readouterr().out, Calibration.load(sitting / "checked.json").validation
    assert check is not None
    assert check.sentence in told
    before = Calibration.load(calibrated(sitting)).validation
    assert before is not None
    assert check.error_deg == pytest.approx(before.error_deg, rel=1e-6)  # the same dots
    given = ("--calibration", sitting / "me.json", "--dots", sitting / "later.csv", *screen)
    assert command("validate", video, *given) == 3  # which have taught me.json since
    assert "was fitted to every good dot of" in capsys.readouterr().err


def test_a_mirror_is_warned_of_and_refused_if_strict(
    sitting: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = (sitting / "dots.mp4", "--mirrored", "--calibration", calibrated(sitting), "--max-frames", 1)
    assert command("track", *given) == 0
    assert "it was made without --mirrored, gaze now comes with --mirrored" in capsys.readouterr().err
    assert command("track", *given, "--strict") == 3


def test_another_screen_is_warned_of_and_refused_if_strict(
    sitting: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = (sitting / "dots.mp4", "--screen", sitting / "larger.json", "--calibration", calibrated(sitting))
    assert command("track", *given, "--max-frames", 1) == 0
    assert "the screen measured 34 x 21 cm, now 36 x 22" in capsys.readouterr().err
    assert command("track", *given, "--max-frames", 1, "--strict") == 3
    assert "no longer holds" in capsys.readouterr().err


def test_another_networks_calibration_is_refused(sitting: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = (sitting / "dots.mp4", "--calibration", calibrated(sitting), "--model", "tinytracker-s")
    assert command("track", *given, "--max-frames", 1) == 3
    assert "was made with tinytracker-eyes" in capsys.readouterr().err


def test_a_calibration_that_did_not_help_is_refused(
    sitting: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    profile = Calibration.load(calibrated(sitting))
    assert profile.validation is not None
    useless = profile.with_check(
        replace(profile.validation, error_deg=profile.validation.uncalibrated_deg + 1, left_out=None)
    )
    useless.save(sitting / "useless.json")
    assert (
        command("track", sitting / "dots.mp4", "--calibration", sitting / "useless.json", "--max-frames", 1)
        == 3
    )
    assert "was found not to help" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_other_formats_are_calibrated_alike(sitting: Path, suffix: str) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    profile = calibrated(sitting)
    rows, anew = sitting / f"rows{suffix}", sitting / f"rows-recalibrated{suffix}"
    assert command("track", sitting / "dots.mp4", f"--{suffix[1:]}", rows, "--max-frames", 12) == 0
    assert command("recalibrate", rows, "--calibration", profile, "--no-filter") == 0
    calibration, before, after = Calibration.load(profile), read_rows(rows), read_rows(anew)
    assert len(before) == len(after) == 12
    for old, new in zip(before, after, strict=True):
        assert new["raw_x_deg"] == old["raw_x_deg"]
        if new["valid"]:
            expected = calibration.apply(old["raw_x_deg"], old["raw_y_deg"])
            np.testing.assert_allclose((new["x_deg"], new["y_deg"]), expected, atol=1e-3)


def test_a_session_that_was_killed_or_of_another_network(
    sitting: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cut last line is left out; another network's session is refused."""
    folder, profile = sitting / "session", calibrated(sitting)
    folder.mkdir()
    assert command("track", sitting / "dots.mp4", "--csv", folder / "gaze.csv", "--max-frames", 10) == 0
    content = (folder / "gaze.csv").read_text()
    (folder / "gaze.csv").write_text(content[: content.rstrip().rindex(",") - 30])
    capsys.readouterr()
    assert command("recalibrate", folder, "--calibration", profile) == 0
    assert capsys.readouterr().out.startswith("9 rows calibrated by ")
    (folder / "session.json").write_text(json.dumps({"model": "another", "model_sha256": "00" * 32}))
    assert command("recalibrate", folder, "--calibration", profile) == 3
    assert "gaze comes from another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("start_s,end_s,x_px,y_px\n", "names no dots"),
        ("start_s,end_s,x_px,y_px\n0,1,5,north\n", "line 2: y_px is 'north', expected a number"),
        ("start_s,end_s,x_px,y_px\n1,1,5,5\n", "line 2: a dot must end after it starts"),
        ("start_s,end_s,x_px,y_px,use\n0,1,5,5,maybe\n", "line 2: use is 'maybe', expected fit or check"),
        ("start_s,end_s,x_px,y_px\n0,5,1,5,5\n", "line 2 has more values than the first line has names"),
        ("start_s,end_s,x_px,y_px\n0,1,5,5\n1,2,99999,5\n", "place 2, at 99999, 5, is not on the screen"),
        ("a,b\n1,2\n", "line 2: start_s is None"),
    ],
)
def test_a_bad_dots_file_is_one_line(
    sitting: Path, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (sitting / "bad.csv").write_text(content)
    given = ("--dots", sitting / "bad.csv", "--screen", sitting / "screen.json", "--out", sitting / "no.json")
    assert command("calibrate", sitting / "dots.mp4", *given) == 3
    assert said in capsys.readouterr().err
    assert not (sitting / "no.json").exists()


def test_a_camera_needs_dots_that_are_shown(sitting: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = (
        "--dots",
        sitting / "dots.csv",
        "--screen",
        sitting / "screen.json",
        "--out",
        sitting / "no.json",
    )
    assert command("calibrate", 0, *given) == 2
    assert "LiveCalibration" in capsys.readouterr().err


def test_why_no_dot_to_check_is_good_is_said(sitting: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is of a dot to check, not of the first of the file; the calibration is kept, unchecked."""
    first = (sitting / "dots.csv").read_text().splitlines()[:6]
    (sitting / "late.csv").write_text("\n".join([*first, "900,901,100,100,check"]) + "\n")
    given = (
        "--dots",
        sitting / "late.csv",
        "--screen",
        sitting / "screen.json",
        "--out",
        sitting / "unchecked.json",
    )
    assert command("calibrate", sitting / "dots.mp4", *given) == 0
    told = capsys.readouterr()
    reason = "none of the dots to check is good (the camera took no frame while it was shown)"
    assert f"warning: not checked: {reason}" in told.err
    assert "Not checked on held-out dots" in told.out
    assert (sitting / "unchecked.json").is_file()


def test_old_rows_without_raw_gaze_are_refused(sitting: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (sitting / "old.csv").write_text("frame,t_ns,valid,x_deg,y_deg\n0,0,1,1.0,2.0\n")
    assert command("recalibrate", sitting / "old.csv", "--calibration", calibrated(sitting)) == 3
    assert "has no distance_cm" in capsys.readouterr().err
    assert (
        command("recalibrate", sitting, "--calibration", calibrated(sitting), "--out", sitting / "x.csv") == 0
    )  # gaze.csv


def test_what_was_wrong_with_the_recording_is_said(sitting: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dots are shown at seconds: a recording without a clock gives other frames to them."""
    raw = sitting / "dots.h264"
    with av.open(str(sitting / "dots.mp4")) as film, av.open(str(raw), "w") as copy:
        stream = copy.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    given = (
        "--dots",
        sitting / "dots.csv",
        "--screen",
        sitting / "screen.json",
        "--out",
        sitting / "raw.json",
    )
    command("calibrate", raw, *given)
    assert "dots.h264 has no clock: 25 frames/s are assumed; say it with --fps" in capsys.readouterr().err
    assert command("calibrate", raw, *given, "--fps", FRAMES_PER_SECOND) in (0, 1)
    assert "clock" not in capsys.readouterr().err
    anew, usual = (Calibration.load(path) for path in (sitting / "raw.json", calibrated(sitting)))
    for one, other in zip(anew.dots, usual.dots, strict=True):
        assert one.raw_deg == pytest.approx(other.raw_deg, abs=0.01)


def test_a_mirrored_recording_calibrates_as_the_plain_one(sitting: Path) -> None:
    mirrored = sitting / "mirrored.mp4"
    with open_source(str(sitting / "dots.mp4")) as film, VideoWriter(mirrored, crf=1) as copy:
        for frame in film:
            copy.write_picture(np.ascontiguousarray(frame.image[:, ::-1]), frame.t_ns)
    given = (
        "--dots",
        sitting / "dots.csv",
        "--screen",
        sitting / "screen.json",
        "--out",
        sitting / "mirror.json",
    )
    assert command("calibrate", mirrored, *given, "--mirrored") in (0, 1)
    anew, usual = (
        {(dot.x_cm, dot.y_cm): dot.raw_deg for dot in Calibration.load(path).dots}
        for path in (sitting / "mirror.json", calibrated(sitting))
    )
    assert len(anew.keys() & usual.keys()) >= 3
    for place in anew.keys() & usual.keys():
        assert anew[place] == pytest.approx(usual[place], abs=3.0)  # the other side is 20 degrees away


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", "", "has no t_ns"),
        ("rows.csv", "one line of something\n", "has no t_ns"),
        ("rows.jsonl", "one line of something", "its lines are no JSON objects"),
        ("rows.jsonl", "[1, 2]\n", "its lines are no JSON objects"),
        ("rows.jsonl", ROW.replace("0.5", "1e999") + "\n", "raw_x_deg is inf, expected a number"),
        ("rows.jsonl", ROW.replace("16", "1e999") + "\n", "t_ns is inf, expected a whole number"),
        ("rows.csv", "t_ns,valid,distance_cm,raw_x_deg,raw_y_deg\n16,1,60,nan,0\n", "raw_x_deg is 'nan'"),
        ("rows.csv", "t_ns,valid,distance_cm,raw_x_deg,raw_y_deg\n16,1,60,0,5,0\n", "row 1 has 6 values"),
    ],
)
def test_what_holds_no_gaze_rows_is_refused(
    sitting: Path, name: str, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (sitting / name).write_text(content)
    assert command("recalibrate", sitting / name, "--calibration", calibrated(sitting)) == 3
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("name", ["killed.csv", "killed.csv.partial", "killed.jsonl.partial-1"])
def test_what_a_killed_run_left_is_calibrated_but_for_the_cut_row(sitting: Path, name: str) -> None:
    """A last number that is cut is a number too: -10.4 of -10.435."""
    suffix = name.split(".")[1]
    whole, profile = sitting / f"whole.{suffix}", calibrated(sitting)
    assert command("track", sitting / "dots.mp4", f"--{suffix}", whole, "--max-frames", 6) == 0
    cut = sitting / name
    cut.write_bytes(whole.read_bytes().rstrip()[:-1])
    anew = sitting / f"anew.{suffix}"
    assert command("recalibrate", cut, "--calibration", profile, "--out", anew) == 0
    assert [row["t_ns"] for row in read_rows(anew)] == [row["t_ns"] for row in read_rows(whole)][:-1]


def test_cards_hold_priors_that_read() -> None:
    """What a released card says of people is a prior, and stands there as it would be written."""
    from tinytracker.calibration.prior import Prior
    from tinytracker.zoo import find, list_released

    cards = [find(name).require_card() for name in list_released()]
    stored = {card.name: card.calibration_prior for card in cards if card.calibration_prior}
    assert stored, "run benchmarks/calibration.py --write-prior"
    for name, entry in stored.items():
        prior = Prior.from_json(entry)
        assert prior.people >= 40, name
        assert json.dumps(prior.as_json()) == json.dumps(entry)


def test_calibrate_by_a_moving_dot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rendered person follows a figure of eight, 100 ms late: the offset is found without a single dot."""
    from tinytracker.calibration.pursuit import figure_of_eight
    from tinytracker.synthetic.person import Person
    from tinytracker.synthetic.pose import Sway
    from tinytracker.synthetic.session import Session
    from tinytracker.synthetic.setup import Setup
    from tinytracker.synthetic.subject import Expression

    rng = np.random.default_rng(5)
    session, sway = Session(Person.from_seed(77_022), rng, Setup.at(SCREEN, rng)), Sway.draw(rng).scaled(0.5)
    width, height = screen_size_points(SCREEN, 1)
    frames, lines = 80, ["t_s,x_px,y_px"]
    with VideoWriter(tmp_path / "me.mp4", crf=8) as video:
        for index in range(frames):
            (x, y), (late_x, late_y) = (figure_of_eight(max(0, index - late) / frames) for late in (0, 1))
            lines.append(f"{index / 10:.3f},{x * width:.1f},{y * height:.1f}")
            target = session.target(float(late_x) * width, float(late_y) * height)
            shown = session.frame_at(target, sway, Expression(smile=0.15))
            video.write_picture(shown.image(), index * 100_000_000)
    (tmp_path / "path.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "screen.json").write_text(screen_json(SCREEN))
    given = ("--screen", tmp_path / "screen.json", "--out", tmp_path / "me.json")
    assert command("calibrate", tmp_path / "me.mp4", *given) == 2, "neither dots nor a path"
    assert command("calibrate", tmp_path / "me.mp4", "--pursuit", tmp_path / "path.csv", *given) == 0
    told = capsys.readouterr()
    assert "give --dots FILE, --pursuit FILE or both" in told.err
    lag_ms = int(told.out.partition("followed the moving dot ")[2].split()[0])
    assert abs(lag_ms - 100) <= 60
    profile = Calibration.load(tmp_path / "me.json")
    assert 6 <= len(profile.dots) <= 8
    left = [np.subtract(dot.target_deg, profile.apply(*dot.raw_deg)) for dot in profile.dots]
    before = [dot.residual_deg for dot in profile.dots]
    assert np.hypot(*np.array(left).T).mean() < 0.75 * np.hypot(*np.array(before).T).mean()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("t_s,x_px,y_px\n0,1,1\n", "has 1 places"),
        ("t_s,x_px\n0,1\n1,2\n", "line 2: y_px is None"),
        ("t_s,x_px,y_px\n0,1,1\n1,nan,2\n", "line 3: every number must be finite"),
        ("t_s,x_px,y_px\n1,1,1\n0,2,2\n", "in order of time"),
    ],
)
def test_a_path_that_cannot_be_read_is_refused(content: str, told: str, tmp_path: Path) -> None:
    from tinytracker.errors import InputError
    from tinytracker.tracking.shown import read_path

    (tmp_path / "path.csv").write_text(content)
    with pytest.raises(InputError, match=told):
        read_path(tmp_path / "path.csv", SCREEN, 0)
