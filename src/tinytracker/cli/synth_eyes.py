"""`tinytracker synth eyes`: people with an event camera before one eye -> recordings of events."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.progress import progress_bar


class FormatChoice(StrEnum):
    tinytracker = "tinytracker"
    ini30 = "ini30"
    threeet = "3et"
    eveye = "eveye"


def synth_eyes(
    out: Annotated[Path, typer.Argument(help="Folder to write the recordings to, or to go on with.")],
    people: Annotated[int, typer.Option(min=1, help="How many people; each is one recording.")] = 100,
    seconds: Annotated[float, typer.Option(help="Length of each recording.")] = 4.0,
    sensor: Annotated[
        str,
        typer.Option(
            help="davis346, dvxplorer or speck; several, with commas between, take turns. Without it: what "
            "--format is recorded with, else davis346."
        ),
    ] = "",
    layout: Annotated[
        FormatChoice,
        typer.Option(
            "--format", help="How recordings are laid out: ours, or as Ini-30, 3ET+ or EV-Eye are published."
        ),
    ] = FormatChoice.tinytracker,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds are other people.")] = 0,
    jobs: Annotated[int, typer.Option(min=-1, help="Processes to use; -1 is one per core.")] = -1,
    label_hz: Annotated[float, typer.Option(help="Labels a second: exact, at any rate.")] = 200.0,
    fixed: Annotated[
        str,
        typer.Option(
            help="What is the same for everybody: any of pose, leds, lids, slip, sensor, with commas between."
        ),
    ] = "",
    shifted: Annotated[
        str, typer.Option(help="What is drawn from beyond its usual range: the same words.")
    ] = "",
    split: Annotated[
        str, typer.Option(help="Put everybody into train, val or test; else they are shared out.")
    ] = "",
) -> None:
    """Renders recordings of events: people who do not exist, with an event camera close to one eye.

    Camera, lamps, lids, lashes, the slip of the headset and the sensor's own faults differ from person to
    person; the eye fixates, drifts, makes saccades, pursues and blinks. A label is the ellipse of the pupil
    as it appears through the cornea, exact at every moment, with the opening of the lids and the gaze.
    People 0, 3 to 9 of every ten are for training, 1 for validation, 2 for test.

    The same seed gives the same bytes, whatever --jobs, and person N is the same however many there are.
    Stopped at any moment, the same command goes on where it was; a larger --people adds to what is there.
    --fixed and --shifted change nothing but what they name: a network that was trained without a variation
    can be compared with one that had it, on people who are shifted.

    \b
    Examples:
      tinytracker synth eyes eyes/ --people 10 --seconds 2 --sensor speck
      tinytracker synth eyes eyes/ --people 300 --sensor davis346,dvxplorer,speck
      tinytracker synth eyes as-ini30/ --people 10 --format ini30
      tinytracker synth eyes other/ --people 60 --seed 9 --shifted pose,leds
      tinytracker prepare eyes/ dataset/          (what usually comes next)
    """
    from tinytracker.cli.console import plain_console
    from tinytracker.synthetic.near_eye.writer import SENSOR_OF_LAYOUT, EyesOptions, synthesise_eyes

    name = "ini-30" if layout is FormatChoice.ini30 else layout.value
    options = EyesOptions(
        seed=seed,
        seconds=seconds,
        sensors=_words(sensor) or (SENSOR_OF_LAYOUT[name] or "davis346",),
        label_hz=label_hz,
        fixed=_words(fixed),
        shifted=_words(shifted),
        split=split,
        layout=name,
    )
    with progress_bar("Rendering eyes") as update:
        written = synthesise_eyes(out, people, options, jobs, update)
    there = people - written
    plain_console().print(
        f"{written} recordings of {seconds:g} s written to {out}"
        + (f"; {there} were there already" if there else "")
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
