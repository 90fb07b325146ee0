"""`tinytracker demo events`: a rendered eye before an event camera, its pupil followed, and how far off it
is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinytracker.cli.progress import progress_bar

if TYPE_CHECKING:
    from tinytracker.events.recordings import EventRecording

SEED = 90_000
"""Of the demo's people; no released network learnt from people of this seed."""


def demo_events(
    seconds: Annotated[float, typer.Option(min=0.5, max=60.0, help="How long.")] = 2.0,
    sensor: Annotated[str, typer.Option(help="davis346, dvxplorer or speck.")] = "davis346",
    person: Annotated[int, typer.Option(min=0, help="Another number is another rendered person.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the results.", metavar="FOLDER")] = Path(
        "out/demo-events"
    ),
    model: Annotated[
        str, typer.Option(help="A network of pupils: a released name or a file.", metavar="NAME|FILE")
    ] = "pupil",
    slow: Annotated[float, typer.Option(help="The video plays so many times slower than life.")] = 8.0,
) -> None:
    """Show what an event camera sees of an eye, and how well its pupil is followed.

    Renders a person whom no network has seen, with an event camera close to one eye, and the events it would
    send; follows the pupil in them 200 times a second; and compares with where it was. The eye is synthetic:
    with real ones expect larger errors (docs/events.md).

    Leaves in --out: the recording (eye/), pupil.csv, pupil.mp4 (slowed down: light that rose is yellow, light
    that fell blue; the green cross is the estimate, the white ellipse the truth) and error.png.

    \b
    Examples:
      tinytracker demo events
      tinytracker demo events --person 3 --seconds 5 --sensor speck
    """
    from tinytracker.cli.track_events import told, write_video_of
    from tinytracker.events.dataset import crop_of
    from tinytracker.extras import need
    from tinytracker.pupils.follow import Rhythm, follow
    from tinytracker.pupils.opening import EventSource
    from tinytracker.pupils.plots import plot_pupil_against_truth
    from tinytracker.pupils.rows import row_file, row_of
    from tinytracker.pupils.summary import PupilSummary
    from tinytracker.retina.model import PupilModel

    for module in ("numba", "matplotlib"):
        need(module, "demo")
    network = PupilModel.load(model)
    recording = _rendered(out, seconds, sensor, person)
    crop = crop_of(recording, network.window.width_px)
    rhythm = Rhythm()
    total = len(rhythm.moments(recording.events)[0])
    samples = []
    with progress_bar("Following") as update, row_file(out / "pupil.csv") as rows:
        for sample in follow(recording.events, network, crop, rhythm):
            samples.append(sample)
            rows.write_row(row_of(sample))
            update(len(samples), total)
    source = EventSource(recording.events, crop, recording.labels, [])
    write_video_of(out / "pupil.mp4", source, samples, slow, "")
    rate = len(recording.events) / max(recording.events.duration_us, 1)
    title = (
        f"{network.card.name} on a rendered eye, {recording.sensor}, {rate * 1e3:.0f} events a millisecond"
    )
    plot_pupil_against_truth(out / "error.png", samples, recording.labels, crop, title)
    typer.echo(f"{len(recording.events)} events of a rendered eye before a {recording.sensor}, {seconds:g} s")
    for line in told(PupilSummary.of(samples, crop, recording.labels), crop):
        typer.echo(line)
    typer.echo(f"see {out / 'pupil.mp4'} (played {slow:g} times slower) and {out / 'error.png'}")


def _rendered(out: Path, seconds: float, sensor: str, person: int) -> EventRecording:
    """The eye's recording, in OUT/eye; one of another run gives way."""
    import shutil

    from tinytracker.events.recordings import write_recording
    from tinytracker.files import make_folder
    from tinytracker.synthetic.near_eye.writer import EyesOptions, recording_of

    options = EyesOptions(seed=SEED, seconds=seconds, sensors=(sensor,))
    make_folder(out)
    with progress_bar("Rendering an eye") as update:
        recording = recording_of(options, person, update)
    shutil.rmtree(out / "eye", ignore_errors=True)
    write_recording(out / "eye", recording)
    return recording
