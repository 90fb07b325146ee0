"""The PPK2's protocol against a fake that speaks it over a pseudo-terminal, and its words against every
loss."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.costs.fakes import ppk2 as fake
from tinytracker.costs.meters import port as meter_port
from tinytracker.costs.meters import ppk2
from tinytracker.costs.meters.ppk2 import Calibration, Ppk2
from tinytracker.costs.meters.protocol import Recording
from tinytracker.costs.meters.words import DOUBTED, WordStream
from tinytracker.costs.trace import Window
from tinytracker.costs.windows import Expected, find_blocks
from tinytracker.errors import DeviceError, UsageError

pytest.importorskip("serial", reason="pyserial, the extra `meters`, is not installed")
LOW_A, HIGH_A = 20e-6, 12e-3  # ranges 0 and 3


def blocks_of_200_ms(times_s: np.ndarray) -> np.ndarray:
    """Idle, then from 0.2 s on a block of 0.2 s in every 0.4 s."""
    return np.where((times_s % 0.4) >= 0.2, HIGH_A, LOW_A)


def pulses(times_s: np.ndarray) -> np.ndarray:
    """Input 2 rests high and goes low for 60 us at both ends of a block; the others float high."""
    return np.where((times_s % 0.2) < 60e-6, 0b11111011, 0xFF).astype(np.uint8) | np.where(
        times_s < 0.1, 4, 0
    ).astype(np.uint8)


def record(device: fake.FakePpk2, seconds: float, supply_v: float = 3.0):
    meter = Ppk2(device.path, supply_v, inrush_s=0.0)
    with meter, Recording(meter) as recording:
        time.sleep(seconds)
    assert recording.trace is not None
    return recording.trace


def test_power_and_marks_are_what_was_metered() -> None:
    with fake.FakePpk2(blocks_of_200_ms, pulses) as device:
        trace = record(device, 1.3)
    assert device.supply_v == 3.0
    assert [command[0] for command in device.commands] == [
        0x07,
        0x19,
        0x11,
        0x0D,
        0x0C,
        0x06,
        0x07,
        0x07,
        0x0C,
    ]
    assert trace.lost == 0
    assert trace.duration_s == pytest.approx(1.3, abs=0.3)
    blocks = find_blocks(
        trace.__class__(trace.power_mw[:90_000], trace.rate_hz, trace.marks[:90_000]), Expected(2)
    )
    assert [block.begin_s for block in blocks] == pytest.approx([0.2, 0.6], abs=2e-5)
    assert trace.energy_mj(blocks[0]) == pytest.approx(HIGH_A * 3.0 * 0.2 * 1e3, rel=2e-3)
    assert trace.mean_mw(Window(0.05, 0.15)) == pytest.approx(LOW_A * 3.0 * 1e3, rel=1e-2)
    assert "9173" in trace.meter


def test_lost_bytes_are_counted_and_time_stays_true() -> None:
    """Byte 4001 (a shift) and thirty whole words: the block stays where it was."""
    with fake.FakePpk2(blocks_of_200_ms, pulses, drop={4001, *range(60_000, 60_120)}) as device:
        trace = record(device, 0.8)
    beside = DOUBTED + 1  # words that may be halves of two
    assert trace.lost == (1 + beside) + (30 + beside)
    assert any("alignment 1 times" in remark for remark in trace.remarks)
    first = int(np.argmax(trace.power_mw > 10))
    assert first / trace.rate_hz == pytest.approx(0.2, abs=1e-4)


def test_meter_that_vanishes_is_said_and_its_samples_are_kept() -> None:
    with fake.FakePpk2(blocks_of_200_ms) as device:
        meter = Ppk2(device.path, 3.0, inrush_s=0.0)
        recording = Recording(meter)

        def run() -> None:
            with meter, recording:
                time.sleep(0.5)
                device.unplug()
                time.sleep(0.3)

        with pytest.raises(DeviceError, match="unplugged"):
            run()
    assert recording.trace is not None
    assert recording.trace.duration_s == pytest.approx(0.5, abs=0.2)
    assert "broke off" in recording.trace.remarks[-1]


def test_without_calibration_nothing_is_measured() -> None:
    with (
        fake.FakePpk2(blocks_of_200_ms, calibration="END") as device,
        pytest.raises(DeviceError, match="lacks R0"),
    ):
        record(device, 0.1)
    with pytest.raises(UsageError, match="supply"):
        Ppk2("/dev/null", None).__enter__()


def test_calibration_with_useless_values_takes_the_nominal_ones() -> None:
    calibration = Calibration.parse(
        fake.metadata().replace(f"R1: {fake.R[1]:.9g}", "R1: 0").replace("GI2: 1.01", "GI2: nan")
    )
    assert calibration.R[1] == 101.65
    assert calibration.GI[2] == 1.0
    with pytest.raises(DeviceError, match="damaged"):
        Calibration.parse(fake.metadata().replace("R1: 101", "R1: 1O1"))


def test_samples_right_after_a_change_of_range_take_the_settled_value() -> None:
    """The analogue part swings for three samples; what it shows then is no current of the board's."""

    def swinging(times_s: np.ndarray) -> np.ndarray:
        current = blocks_of_200_ms(times_s)
        since = np.rint((times_s - 0.2) * fake.RATE_HZ)
        return np.where((since >= 0) & (since < 3), 58e-3, current)

    with fake.FakePpk2(swinging) as device:
        trace = record(device, 0.5)
    assert np.nanmax(trace.power_mw) == pytest.approx(HIGH_A * 3e3, rel=2e-3)


def stream_of(count: int, first: int = 0) -> bytes:
    rng = np.random.default_rng(count)
    counters = (first + np.arange(count)) % 64
    return (
        (rng.integers(0, 1 << 18, count) | counters << 18 | rng.integers(0, 256, count) << 24)
        .astype("<u4")
        .tobytes()
    )


@settings(max_examples=60, deadline=None)
@example(13, [], 891, 139)
@given(
    st.integers(0, 63), st.lists(st.integers(1, 700), max_size=8), st.integers(100, 1500), st.integers(0, 220)
)
def test_whatever_is_cut_out_leaves_a_hole_as_long(first: int, pieces: list[int], at: int, cut: int) -> None:
    """Bytes are cut out of a stream that comes in pieces: every word that came whole is in its place, the
    others are lost."""
    count = 600
    whole = stream_of(count, first)
    data = whole[:at] + whole[at + cut :]
    stream = WordStream()
    for size in pieces:
        stream.feed(data[:size])
        data = data[size:]
    stream.feed(data)
    words, lost = stream.finish()
    assert len(words) == count
    expected = np.frombuffer(whole, "<u4")
    assert np.array_equal(words[~lost], expected[~lost])
    damaged = (at + cut + 3) // 4 - at // 4 if cut else 0
    assert damaged <= lost.sum() <= damaged + DOUBTED + 1


def test_a_stream_that_is_no_ppk2s_gives_nothing() -> None:
    stream = WordStream()
    stream.feed(np.random.default_rng(5).bytes(100_000))
    words, _ = stream.finish()
    assert len(words) < 50


def test_a_meter_that_never_stops_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A former program left it measuring, and it is deaf to the stop."""

    class Babbling:
        in_waiting = 400
        closed = False

        def read(self, size: int = 1) -> bytes:
            time.sleep(1e-3)
            return bytes(size)

        def write(self, data: bytes) -> None: ...

        def close(self) -> None:
            self.closed = True

    port = Babbling()
    monkeypatch.setattr(meter_port, "open_port", lambda url, baud: port)
    monkeypatch.setattr(ppk2, "METADATA_S", 0.3)
    with pytest.raises(DeviceError, match="does not stop sending"):
        Ppk2("/dev/ttyACM0", 3.0).__enter__()
    assert port.closed
