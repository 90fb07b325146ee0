"""Gaze for other programs: WebSocket, Lab Streaming Layer, UDP; each runs only while somebody asked for it.

LSL and UDP leave this machine as their settings say (LSL announces itself on the
local network), which is why they are off until switched on.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any, Protocol

from tinytracker.devices import Device
from tinytracker.domain import GazeSample
from tinytracker.errors import UsageError
from tinytracker.extras import need
from tinytracker.session.events import Event
from tinytracker.web.hub import Hub
from tinytracker.web.messages import as_text

WEBSOCKET = "websocket"
LSL_NAME = "tinytracker"
# label, type, unit, eye: the layout of LSL's Gaze meta-data.
LSL_CHANNELS = (
    ("norm_pos_x", "ScreenX", "normalized", "both"),
    ("norm_pos_y", "ScreenY", "normalized", "both"),
    ("x_deg", "DirectionX", "degrees", "both"),
    ("y_deg", "DirectionY", "degrees", "both"),
    ("distance_mm", "PositionZ", "mm", "both"),
    ("confidence", "Confidence", "normalized", "both"),
    ("device_time", "DeviceTime", "seconds", "both"),
)


class Stream(Protocol):
    """Where samples and events go; called in the tracking thread."""

    def send(self, sample: GazeSample, screen: Device) -> None: ...

    def mark(self, event: Event) -> None: ...

    def close(self) -> None: ...


def sample_message(sample: GazeSample, screen: Device) -> dict[str, Any]:
    """A sample for other programs (WebSocket, UDP): docs/live.md names the fields."""
    x_px, y_px = sample.screen_px or (None, None)
    return {
        "type": "gaze",
        "t_ns": sample.t_ns,
        "valid": sample.is_valid,
        "reason": sample.reason,
        "x_px": None if x_px is None else round(x_px, 1),
        "y_px": None if y_px is None else round(y_px, 1),
        "norm_x": None if x_px is None else round(x_px / screen.width_points, 5),
        "norm_y": None if y_px is None else round(y_px / screen.height_points, 5),
        "x_cm": None if sample.gaze is None else round(sample.gaze.x_cm, 3),
        "y_cm": None if sample.gaze is None else round(sample.gaze.y_cm, 3),
        "x_deg": None if sample.x_deg is None else round(sample.x_deg, 3),
        "y_deg": None if sample.y_deg is None else round(sample.y_deg, 3),
        "distance_cm": None if sample.distance_cm is None else round(sample.distance_cm, 1),
        "calibration_id": sample.calibration_id,
    }


def event_message(event: Event) -> dict[str, Any]:
    """An event for other programs."""
    return {
        "type": event.kind,
        "t_ns": event.t_ns,
        "duration_ms": event.duration_ms,
        "x_px": event.x_px,
        "y_px": event.y_px,
        "x_deg": event.x_deg,
        "y_deg": event.y_deg,
        "label": event.label,
    }


class WebSocketStream:
    """To the programs connected to /stream; while it is on, /stream and /overlay may be opened (see
    `server.py`)."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def send(self, sample: GazeSample, screen: Device) -> None:
        self._hub.tell_stream(sample_message(sample, screen))

    def mark(self, event: Event) -> None:
        self._hub.tell_stream(event_message(event))

    def close(self) -> None:
        self._hub.dismiss(("stream", "overlay"))


class UdpStream:
    """One JSON object per datagram, to one place. A receiver that is not there is no error: UDP does not
    know."""

    def __init__(self, host: str, port: int) -> None:
        try:
            self._place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            raise UsageError(
                f"UDP: {host} is no address here ({error.strerror}); expected a name or number"
            ) from error
        self._socket = socket.socket(self._place[0], socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, sample: GazeSample, screen: Device) -> None:
        self._send(sample_message(sample, screen))

    def mark(self, event: Event) -> None:
        self._send(event_message(event))

    def close(self) -> None:
        self._socket.close()

    def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(as_text(message).encode(), self._place[4])


class LslStream:
    """Two outlets: "tinytracker" of type Gaze (irregular rate) and "tinytracker events" of type Markers.

    Samples carry the time the frame was taken: LSL's clock is the monotonic one of `t_ns`, in seconds
    (Linux, macOS and Windows alike where Python's and liblsl's steady clocks agree; their difference is
    added where they do not).
    """

    def __init__(self, model: str) -> None:
        need("pylsl", "lsl")
        import time

        import pylsl

        rate, kind_of_number = pylsl.IRREGULAR_RATE, "double64"
        info = pylsl.StreamInfo(
            LSL_NAME, "Gaze", len(LSL_CHANNELS), rate, kind_of_number, f"tinytracker-{model}"
        )
        channels = info.desc().append_child("channels")
        for label, kind, unit, eye in LSL_CHANNELS:
            channel = channels.append_child("channel")
            for name, value in (("label", label), ("type", kind), ("unit", unit), ("eye", eye)):
                channel.append_child_value(name, value)
            if kind.startswith("Screen"):
                channel.append_child_value("coordinate_system", "screen")
        info.desc().append_child("acquisition").append_child_value(
            "manufacturer", "tinytracker"
        ).append_child_value("model", model)
        self._gaze = pylsl.StreamOutlet(info)
        self._marks = pylsl.StreamOutlet(
            pylsl.StreamInfo(
                f"{LSL_NAME} events",
                "Markers",
                1,
                pylsl.IRREGULAR_RATE,
                "string",
                f"tinytracker-{model}-events",
            )
        )
        self._ahead_s = pylsl.local_clock() - time.monotonic()
        if abs(self._ahead_s) < 1e-3:
            self._ahead_s = 0.0

    def send(self, sample: GazeSample, screen: Device) -> None:
        nothing = float("nan")
        x_px, y_px = sample.screen_px or (nothing, nothing)
        values = [
            x_px / screen.width_points,
            y_px / screen.height_points,
            nothing if sample.x_deg is None else sample.x_deg,
            nothing if sample.y_deg is None else sample.y_deg,
            nothing if sample.distance_cm is None else sample.distance_cm * 10,
            float(sample.is_valid),
            sample.t_ns / 1e9,
        ]
        self._gaze.push_sample(values, sample.t_ns / 1e9 + self._ahead_s)

    def mark(self, event: Event) -> None:
        self._marks.push_sample([as_text(event_message(event))], event.t_ns / 1e9 + self._ahead_s)

    def close(self) -> None:
        del self._gaze, self._marks
