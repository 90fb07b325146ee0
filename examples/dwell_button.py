"""A dwell button: looking at a rectangle for a second "presses" it, once until the gaze has left it. Reads
the WebSocket stream of `tinytracker live`.

tinytracker live                  # calibrate, then switch WebSocket on in Live (x); the page shows the address
python examples/dwell_button.py "ws://127.0.0.1:PORT/stream?key=KEY" 500 300 400 200
"""  # noqa: E501

from __future__ import annotations

import json
import sys

from websockets.sync.client import connect

DWELL_S = 1.0
GRACE_S = 0.25  # a blink, or a frame aside, does not start it anew


def main(address: str, x_px: float, y_px: float, width_px: float, height_px: float) -> None:
    began_s = seen_s = None
    is_pressed = False
    with connect(address) as stream:
        for text in stream:
            gaze = json.loads(text)
            if gaze["type"] != "gaze":
                continue
            now_s = gaze["t_ns"] / 1e9
            inside = (
                gaze["valid"]
                and x_px <= gaze["x_px"] < x_px + width_px
                and y_px <= gaze["y_px"] < y_px + height_px
            )
            if inside:
                began_s = now_s if began_s is None else began_s
                seen_s = now_s
                if now_s - began_s >= DWELL_S and not is_pressed:
                    print("pressed", flush=True)
                    is_pressed = True
            elif seen_s is None or now_s - seen_s > GRACE_S:
                began_s, is_pressed = None, False


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(sys.argv[1], *map(float, sys.argv[2:]))
