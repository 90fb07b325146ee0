"""The screen as it was while a session was recorded: a WebM, as the page's browser encodes it and sends it
piece by piece.

It lies among what was looked at (`stimuli`), as a video that filled the screen. What came until a crash can
be played; closed in order, it has an index, so that Replay finds every moment.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import av

from tinytracker.errors import OutputError
from tinytracker.files import make_folder, written_aside
from tinytracker.session.folder import STIMULI_FOLDER

SCREEN_FILE = "screen.webm"


class ScreenCapture:
    """The video of one session's screen, in its folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / STIMULI_FOLDER / SCREEN_FILE

    def take(self, piece: bytes) -> None:
        """Appends a piece; with the system before the next one comes. Raises OutputError."""
        try:
            make_folder(self.path.parent)
            with self.path.open("ab") as file:
                file.write(piece)
        except OSError as error:
            raise OutputError(
                f"the screen's video stopped: cannot write {self.path}: {error.strerror}"
            ) from error

    def close(self) -> None:
        """Gives the video an index, packet by packet as they are; left as it is where that fails."""
        with suppress(OSError, OutputError, av.error.FFmpegError), written_aside(self.path) as aside:
            _copy_with_index(self.path, aside)


def _copy_with_index(video: Path, copy: Path) -> None:
    with av.open(str(video)) as read, av.open(str(copy), "w", format="webm") as made:
        stream = made.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
