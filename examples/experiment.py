"""An experiment beside `tinytracker live`, in the way of PsychoPy: a trigger for each trial, and what was looked at
in it. The pictures are your program's own; here the trial is a pause.

    tinytracker live       # calibrate, switch WebSocket on in Live (x), start recording (r); the page shows the address
    python examples/experiment.py "ws://127.0.0.1:PORT/stream?key=KEY" 3
"""  # noqa: E501

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TRIAL_S = 1.0


@dataclass
class Gaze:
    """What came since it was asked for the last time; filled by a thread, so that the trial need not wait."""

    address: str
    _came: list[dict[str, Any]] = field(default_factory=list)

    def start(self) -> None:
        self._stream = connect(self.address)
        threading.Thread(target=self._listen, daemon=True).start()

    def take(self) -> list[dict[str, Any]]:
        came, self._came = self._came, []
        return came

    def _listen(self) -> None:
        try:
            for text in self._stream:
                self._came.append(json.loads(text))
        except ConnectionClosed:
            pass


def trigger(address: str, name: str) -> bool:
    """Writes a trigger into the recording; says whether one goes on."""
    place = urlsplit(address)
    key = parse_qs(place.query)["key"][0]
    request = Request(
        f"http://{place.netloc}/trigger",
        data=json.dumps({"name": name}).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urlopen(request, timeout=5) as answer:
        return bool(json.load(answer)["recorded"])


def main(address: str, trials: int) -> None:
    gaze = Gaze(address)
    gaze.start()
    for number in range(1, trials + 1):
        gaze.take()
        is_recorded = trigger(address, f"trial {number}")
        time.sleep(TRIAL_S)  # here your program shows its picture
        seen = [entry for entry in gaze.take() if entry["type"] == "gaze" and entry["valid"]]
        place = "nowhere"
        if seen:
            x_px, y_px = (sum(entry[side] for entry in seen) / len(seen) for side in ("x_px", "y_px"))
            place = f"{x_px:.0f}, {y_px:.0f} px"
        note = "" if is_recorded else " (not recorded)"
        print(f"trial {number}: {len(seen)} frames with gaze, around {place}{note}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))
