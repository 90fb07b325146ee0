"""What events are followed in: a file of them, or a recording in any layout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tinytracker.data.store import MANIFEST_FILE
from tinytracker.errors import RecordingError, UsageError
from tinytracker.events.crops import SensorCrop, crop_for
from tinytracker.events.dataset import crop_of
from tinytracker.events.files.layouts import LAYOUTS, layout_of
from tinytracker.events.files.streams import FORMATS, read_stream
from tinytracker.events.labels import Labels
from tinytracker.events.stream import Events

EXPECTED = (
    f"a file of events ({', '.join(FORMATS)}) or a recording's folder (laid out as {', '.join(LAYOUTS)})"
)


@dataclass(frozen=True, slots=True, eq=False)
class EventSource:
    """Events to follow a pupil in. crop: the square that the network is to see. labels: what was true; None
    if nobody says. notes: what was left out or had to be assumed."""

    events: Events
    crop: SensorCrop
    labels: Labels | None
    notes: list[str]

    def part(self, start_s: float, seconds: float | None) -> EventSource:
        """From start_s after the first event, for so many seconds; raises UsageError if nothing is there."""
        if start_s == 0 and seconds is None:
            return self
        first_us = int(self.events.t_us[0]) + round(start_s * 1e6)
        end_us = int(self.events.t_us[-1]) + 1 if seconds is None else first_us + round(seconds * 1e6)
        events = self.events.between(first_us, end_us)
        if not len(events):
            raise UsageError(
                f"there are no events from {start_s:g} s on; the recording is "
                f"{self.events.duration_us / 1e6:.1f} s long"
            )
        return replace(self, events=events)


def open_events(path: Path, size: int, crop: SensorCrop | None = None) -> EventSource:
    """The events of a file or of a recording's folder. size: cells of the crop, as the network has them.
    crop: instead of what the recording or its sensor's size says.

    Raises RecordingError if there are none.
    """
    if not path.is_dir():
        _refuse_no_stream(path)
        read = read_stream(path)
        labels, events = None, read.events
        chosen = crop or crop_for(events.width_px, events.height_px, size=size)
        left_out, notes = read.left_out, read.notes
    else:
        layout = layout_of(path)
        if layout is None:
            inner = next((one for one in _folders_in(path) if layout_of(one) is not None), None)
            near = "" if inner is None else f"; it holds some, such as {inner}"
            if (path / MANIFEST_FILE).is_file():
                near = " but a prepared dataset"
            raise RecordingError(f"{path} is no recording of events{near}; expected {EXPECTED}")
        found = layout.read(path)
        labels, events = found.recording.labels, found.recording.events
        chosen = crop or crop_of(found.recording, size)
        left_out, notes = found.left_out, found.notes
    if not len(events):
        raise RecordingError(f"{path} has no events")
    right_px, bottom_px = (first + chosen.size * chosen.scale for first in (chosen.left_px, chosen.top_px))
    if (
        min(right_px, bottom_px) <= 0
        or chosen.left_px >= events.width_px
        or chosen.top_px >= events.height_px
    ):
        raise UsageError(
            f"the square from pixel {chosen.left_px}, {chosen.top_px} to {right_px}, {bottom_px} lies "
            f"outside of the sensor of {events.width_px} x {events.height_px}; move it"
        )
    said = [f"left out {count} {reason}" for reason, count in left_out.items()]
    return EventSource(events, chosen, labels, [*said, *notes])


def _refuse_no_stream(path: Path) -> None:
    """Raises RecordingError, saying all that would do, for what is no file of events by its name."""
    if not path.exists():
        raise RecordingError(f"{path} does not exist; expected {EXPECTED}")
    if path.suffix.lower() not in FORMATS:
        whole = layout_of(path.parent)
        of = "" if whole is None else f", but of the recording {path.parent}, which can be given"
        raise RecordingError(f"{path} is no file of events{of}; expected {EXPECTED}")


def _folders_in(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if one.is_dir())
