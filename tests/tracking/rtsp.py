"""A small RTSP server (RFC 2326, one stream, RTP interleaved in the TCP connection as RFC 2326 10.12 says),
for a client that is not ours: FFmpeg's, inside PyAV. The RTP packets are FFmpeg's own.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from fractions import Fraction
from types import TracebackType
from typing import Literal

import av
import numpy as np

FRAMES_PER_SECOND = 25
Then = Literal["ends", "breaks", "falls silent"]


def rtp_packets(images: Sequence[np.ndarray]) -> list[bytes]:
    """Pictures (height, width, 3) as H.264 in RTP, packet by packet, as FFmpeg's muxer sends them to a port
    of this machine."""
    packets: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(2.0)
        place = f"rtp://127.0.0.1:{ear.getsockname()[1]}?pkt_size=1200"
        with av.open(place, "w", format="rtp") as container:
            stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
            # Every picture whole, with its parameters before it: whoever comes late can read it.
            stream.height, stream.width = images[0].shape[:2]
            stream.options = {"g": "1", "x264-params": "repeat-headers=1", "tune": "zerolatency"}
            for number, image in enumerate(images):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
                for packet in stream.encode(frame):
                    container.mux(packet)
                    packets += _heard(ear)
            for packet in stream.encode():
                container.mux(packet)
                packets += _heard(ear)
    return packets


def _heard(ear: socket.socket) -> Iterable[bytes]:
    """The packets of a picture: the last one is marked (RFC 6184)."""
    while True:
        packet = ear.recv(65536)
        yield packet
        if packet[1] & 0x80:
            return


class RtspServer:
    """Serves packets to whoever asks, paced as they were taken, and `then` ends the connection in order,
    breaks it off, or falls silent.

    with RtspServer(packets, "breaks") as address: ...
    """

    def __init__(self, packets: list[bytes], then: Then) -> None:
        self._packets, self._then = packets, then
        self._door = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.asked: list[str] = []

    def __enter__(self) -> str:
        threading.Thread(target=self._serve, daemon=True).start()
        return f"rtsp://127.0.0.1:{self._door.getsockname()[1]}/stream"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._door.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as heard:
            while request := heard.readline().decode():
                method = request.split()[0]
                self.asked.append(method)
                fields = dict(
                    field.split(": ", 1) for field in iter(lambda: heard.readline().decode().strip(), "")
                )
                line.sendall(self._answer(method, fields.get("CSeq", "0"), request.split()[1]))
                if method == "PLAY":
                    self._play(line)
                    return

    def _answer(self, method: str, number: str, place: str) -> bytes:
        head, body = [f"CSeq: {number}"], ""
        if method == "OPTIONS":
            head.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        if method == "DESCRIBE":
            body = (
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n"
                "a=control:track1\r\n"
            )
            head += [
                "Content-Type: application/sdp",
                f"Content-Base: {place}/",
                f"Content-Length: {len(body)}",
            ]
        if method == "SETUP":
            head.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        if method in ("SETUP", "PLAY"):
            head.append("Session: 1")
        return ("\r\n".join(["RTSP/1.0 200 OK", *head]) + "\r\n\r\n" + body).encode()

    def _play(self, line: socket.socket) -> None:
        try:
            for packet in self._packets:
                line.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                if packet[1] & 0x80:
                    time.sleep(1 / FRAMES_PER_SECOND)
            if self._then == "falls silent":
                self._over.wait(30)
            if self._then == "breaks":  # a reset, as when a camera loses its power
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:  # the client has gone
            return
