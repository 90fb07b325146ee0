"""LPM01A, INA219/226/228, RAPL, the Pi 5's power chip and Joulescope against fakes that speak as they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.costs.fakes.lpm01a import FakeLpm01a
from tinytracker.costs.meters import pmic
from tinytracker.costs.meters.ina import Ina
from tinytracker.costs.meters.joulescope import Joulescope
from tinytracker.costs.meters.lpm01a import Lpm01a, Stream
from tinytracker.costs.meters.open import open_meter
from tinytracker.costs.meters.pmic import Pmic, rails_mw
from tinytracker.costs.meters.protocol import Meter, Recording
from tinytracker.costs.meters.rapl import Rapl
from tinytracker.costs.trace import Trace, Window
from tinytracker.costs.windows import Expected, find_blocks
from tinytracker.errors import DeviceError, UsageError

LOW_MW, HIGH_MW = 6.0, 40.0


def step(now_s: float) -> float:
    """Idle, and a block from 0.2 to 0.5 s."""
    return HIGH_MW if 0.2 <= now_s < 0.5 else LOW_MW


def record(meter: Meter, seconds: float) -> Trace:
    with meter, Recording(meter) as recording:
        time.sleep(seconds)
    assert recording.trace is not None
    return recording.trace


class TestLpm01a:
    pytest.importorskip("serial", reason="pyserial, the extra `meters`, is not installed")

    @pytest.mark.parametrize(("rate_hz", "binary"), [(1000.0, False), (20_000.0, True)])
    def test_power_and_events(self, rate_hz: float, binary: bool) -> None:
        with FakeLpm01a(step, events=(0.2, 0.5)) as device:
            trace = record(Lpm01a(device.path, 3.0, rate_hz, binary), 0.8)
        assert device.settings["volt"] == "3000m"
        assert device.commands[-2:] == ["pwr off", "hrc"]
        assert trace.lost == 0
        (block,) = find_blocks(trace, Expected(1))
        assert (block.begin_s, block.end_s) == pytest.approx((0.2, 0.5), abs=2 / rate_hz)
        assert trace.mean_mw(block) == pytest.approx(HIGH_MW, rel=2e-3)
        assert trace.mean_mw(Window(0.55, 0.65)) == pytest.approx(LOW_MW, rel=2e-3)
        assert "1.0.3" in trace.meter

    @pytest.mark.parametrize(("rate_hz", "binary"), [(1000.0, False), (20_000.0, True)])
    def test_samples_lost_between_time_stamps_are_counted(self, rate_hz: float, binary: bool) -> None:
        first = int(0.3 * rate_hz)
        with FakeLpm01a(step, skip=range(first, first + 30)) as device:
            trace = record(Lpm01a(device.path, 3.0, rate_hz, binary), 0.8)
        assert trace.lost == 30
        assert trace.mean_mw(Window(0.55, 0.65)) == pytest.approx(LOW_MW, rel=2e-3)

    def test_what_the_meter_complains_of_stays_with_the_trace(self) -> None:
        with FakeLpm01a(step, inject={300: b"\xf0\xf5\xff\xff", 400: b"\xf0\xf1bad\xff\xff"}) as device:
            trace = record(Lpm01a(device.path, 3.0, 20_000.0, True), 0.5)
        assert "overcurrent" in trace.remarks[0]
        assert trace.remarks[1] == "bad"

    def test_refusals(self) -> None:
        with pytest.raises(UsageError, match=r"1\.8 to 3\.3 V"):
            record(Lpm01a("/dev/null", 5.0), 0.1)
        with pytest.raises(UsageError, match="samples at"):
            record(Lpm01a("/dev/null", 3.0, 100_000.0, binary=False), 0.1)

    def test_vanishes(self) -> None:
        def run(device: FakeLpm01a) -> None:
            meter = Lpm01a(device.path, 3.0)
            with meter, Recording(meter):
                time.sleep(0.3)
                device.unplug()
                time.sleep(0.3)

        with FakeLpm01a(step) as device, pytest.raises(DeviceError, match="unplugged"):
            run(device)

    def test_the_manuals_own_examples(self) -> None:
        """ST's UM2269: 6409-07 and 52A0 are both 640.9 uA."""
        ascii_stream, binary_stream = Stream(), Stream()
        ascii_stream.feed_ascii(b"6409-07\r\n64")
        ascii_stream.feed_ascii(b"09-07\r\nxy\r\n6x\r\n")
        binary_stream.feed_binary(b"\x52")
        binary_stream.feed_binary(b"\xa0\xf0\xf3\x00\x00\xff\xff\x07\xff\xff\x52\xa0")
        assert ascii_stream.values == pytest.approx([640.9e-6] * 2)
        assert ascii_stream.damaged == 1
        assert binary_stream.values == pytest.approx([640.9e-6] * 2, rel=2e-3)
        assert binary_stream.clock == [(65.535, 1)]


class FakeBus:
    """Registers of an INA chip that meters `power_mw` at `bus_v` volts through `shunt_ohm`."""

    def __init__(
        self, kind: str, power_mw: Callable[[float], float], bus_v: float = 3.3, shunt_ohm: float = 0.1
    ) -> None:
        self._kind, self._power_mw, self._bus_v, self._shunt_ohm = kind, power_mw, bus_v, shunt_ohm
        self._began_s = self._last_s = time.monotonic()
        self._energy_j = 0.0
        self.written: dict[int, int] = {}
        self.start_counter = 0
        self.flags = 1
        self.closed = False

    def read_i2c_block_data(self, address: int, register: int, length: int) -> list[int]:
        if address != 0x40:
            raise OSError(121, "Remote I/O error")
        now_s = time.monotonic()
        power_mw = self._power_mw(now_s - self._began_s)
        self._energy_j += power_mw / 1e3 * (now_s - self._last_s)
        self._last_s = now_s
        shunt_v = power_mw / 1e3 / self._bus_v * self._shunt_ohm
        value = {"ina219": self._ina219, "ina226": self._ina226, "ina228": self._ina228}[self._kind](
            register, shunt_v
        )
        return list((value % (1 << 8 * length)).to_bytes(length, "big"))

    def _ina219(self, register: int, shunt_v: float) -> int:
        return {1: min(32000, round(shunt_v / 10e-6)), 2: round(self._bus_v / 4e-3) << 3 | 2}[register]

    def _ina226(self, register: int, shunt_v: float) -> int:
        return {
            0xFE: 0x5449,
            0xFF: 0x2260,
            1: min(32767, round(shunt_v / 2.5e-6)),
            2: round(self._bus_v / 1.25e-3),
        }[register]

    def _ina228(self, register: int, shunt_v: float) -> int:
        if register == 0x09:
            current_lsb = self.written[0x02] / (13107.2e6 * self._shunt_ohm)
            return self.start_counter + round(self._energy_j / (16 * 3.2 * current_lsb))
        return {0x3E: 0x5449, 0x3F: 0x2281, 0x05: round(self._bus_v / 195.3125e-6) << 4, 0x0B: self.flags}[
            register
        ]

    def write_i2c_block_data(self, address: int, register: int, data: list[int]) -> None:
        self.written[register] = int.from_bytes(bytes(data), "big")

    def close(self) -> None:
        self.closed = True


class TestIna:
    @pytest.mark.parametrize("kind", ["ina219", "ina226", "ina228"])
    def test_energy(self, kind: str) -> None:
        bus = FakeBus(kind, lambda now_s: 330.0)
        meter = Ina(kind, bus)
        trace = record(meter, 0.4)
        assert trace.mean_mw(Window(0.05, 0.35)) == pytest.approx(330, rel=5e-3)
        assert meter.supply_v == pytest.approx(3.3, abs=5e-3)
        assert bus.closed

    def test_accumulator_that_wraps(self) -> None:
        bus = FakeBus("ina228", lambda now_s: 330.0)
        bus.start_counter = (1 << 40) - 30
        trace = record(Ina("ina228", bus), 0.4)
        assert trace.mean_mw(Window(0.0, 0.35)) == pytest.approx(330, rel=5e-3)

    def test_beyond_the_shunt_is_refused(self) -> None:
        with pytest.raises(DeviceError, match="full scale"):
            record(Ina("ina226", FakeBus("ina226", lambda now_s: 5000.0)), 0.1)
        bus = FakeBus("ina228", lambda now_s: 330.0)
        bus.flags = 1 | 1 << 9
        with pytest.raises(DeviceError, match="overflowed"):
            record(Ina("ina228", bus), 0.1)

    def test_another_chip_or_none(self) -> None:
        bus = FakeBus("ina226", step)
        with pytest.raises(DeviceError, match="nothing answers"):
            record(Ina("ina226", bus, address=0x41), 0.1)
        bus._ina226 = lambda register, shunt_v: 0xFFFF  # type: ignore[method-assign]
        with pytest.raises(DeviceError, match="is no INA226"):
            record(Ina("ina226", bus), 0.1)


class TestRapl:
    RANGE_UJ = 262_143_328_850

    def tree(self, root: Path, names: tuple[str, ...], start_uj: int) -> list[Path]:
        counters = []
        for number, name in enumerate(names):
            zone = root / f"intel-rapl:{number}"
            zone.mkdir(parents=True)
            (zone / "name").write_text(f"{name}\n")
            (zone / "max_energy_range_uj").write_text(f"{self.RANGE_UJ}\n")
            (zone / "energy_uj").write_text(f"{start_uj}\n")
            counters.append(zone / "energy_uj")
        return counters

    def test_wraps_around(self, tmp_path: Path) -> None:
        """Two packages at 20 W each, whose counters wrap in between; the memory beside them does not
        count."""
        start_uj = self.RANGE_UJ - 2_000_000
        counters = self.tree(tmp_path, ("package-0", "package-1", "psys"), start_uj)
        meter = Rapl(tmp_path)
        with meter, Recording(meter) as recording:
            began_s = time.monotonic()
            while (passed_s := time.monotonic() - began_s) < 0.5:
                for counter in counters:
                    aside = counter.with_suffix(".new")
                    aside.write_text(f"{(start_uj + round(passed_s * 20e6)) % self.RANGE_UJ}\n")
                    aside.replace(counter)
                time.sleep(1e-3)
        assert int(counters[0].read_text()) < start_uj, "the counter has not wrapped"
        assert recording.trace is not None
        assert recording.trace.mean_mw(Window(0.05, 0.45)) == pytest.approx(40_000, rel=0.1), (
            "not 262 kJ less"
        )

    def test_none(self, tmp_path: Path) -> None:
        with pytest.raises(DeviceError, match="no RAPL counter"):
            record(Rapl(tmp_path), 0.1)

    def test_damaged(self, tmp_path: Path) -> None:
        (counter,) = self.tree(tmp_path, ("package-0",), 5)
        counter.write_text("x")
        with pytest.raises(DeviceError, match="cannot be read"):
            record(Rapl(tmp_path), 0.1)


PMIC_TEXT = """     3V7_WL_SW_A current(0)=0.09759375A
       3V3_SYS_A current(1)=0.06051000A
        VDD_CORE_A current(7)=1.01000000A
     3V7_WL_SW_V volt(8)=3.72363000V
       3V3_SYS_V volt(9)=3.31210000V
        VDD_CORE_V volt(15)=0.72500000V
         EXT5V_V volt(24)=5.15230000V
          BATT_V volt(25)=0.00000000V
"""


class TestPmic:
    def test_rails(self) -> None:
        rails = rails_mw(PMIC_TEXT)
        assert rails == pytest.approx(
            {"3V7_WL_SW": 363.403, "3V3_SYS": 200.415, "VDD_CORE": 732.25}, rel=1e-4
        )
        trace = record(Pmic(lambda: PMIC_TEXT), 0.4)
        assert trace.mean_mw(Window(0.1, 0.3)) == pytest.approx(1.1451 * 1296.068 + 587.9, rel=1e-3)

    def test_other_computers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(DeviceError, match="Raspberry Pi 5"):
            rails_mw('error=1 error_msg="Command not registered"')
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(DeviceError, match="Raspberry Pi 5"):
            record(Pmic(), 0.1)
        script = tmp_path / "vcgencmd"
        script.write_text(f"#!/bin/sh\n/bin/cat <<'E'\n{PMIC_TEXT}E\n")
        script.chmod(0o755)
        assert len(rails_mw(pmic.read_adc())) == 3


class FakeJoulescope:
    """The part of the maker's device that is used, fed by the clock."""

    def __init__(self, ranges: list[tuple[int, int]] | None = None) -> None:
        self.parameters: dict[str, object] = {}
        self.device_path = "JS220-000123"
        self._ranges = ranges
        self.stream_buffer = self
        self._began_s = 0.0

    def open(self) -> None: ...

    def close(self) -> None: ...

    def stop(self) -> None: ...

    def parameter_set(self, name: str, value: object) -> None:
        self.parameters[name] = value

    def start(self) -> None:
        self._began_s = time.monotonic()

    @property
    def sample_id_range(self) -> tuple[int, int]:
        if self._ranges is not None:
            return self._ranges.pop(0)
        return 0, int((time.monotonic() - self._began_s) * 100_000)

    def samples_get(
        self, begin: int, end: int, fields: list[str]
    ) -> dict[str, dict[str, dict[str, np.ndarray]]]:
        times_s = np.arange(begin, end) / 1e5
        current = np.where((times_s >= 0.2) & (times_s < 0.5), HIGH_MW, LOW_MW) / 3e3
        lsb = (np.abs(times_s - 0.2) >= 30e-6) & (np.abs(times_s - 0.5) >= 30e-6)
        values = {
            "current": current,
            "voltage": np.full(len(current), 3.0),
            "current_lsb": lsb.astype(np.uint8),
        }
        return {"signals": {name: {"value": values[name]} for name in fields}}


def test_joulescope() -> None:
    device = FakeJoulescope()
    meter = Joulescope(lambda config: device)
    trace = record(meter, 0.7)
    assert device.parameters["current_lsb"] == "gpi0"
    (block,) = find_blocks(trace, Expected(1))
    assert (block.begin_s, block.end_s) == pytest.approx((0.2, 0.5), abs=5e-5)
    assert trace.energy_mj(block) == pytest.approx(12, rel=1e-3)
    assert meter.supply_v == 3.0
    assert "JS220" in trace.meter


def test_joulescope_whose_ring_overran_us_lost_samples() -> None:
    with Joulescope(lambda config: FakeJoulescope([(0, 1000), (1500, 2500)])) as meter:
        meter.start()
        meter.poll()
        meter.poll()
        trace = meter.stop()
    assert (trace.lost, len(trace.power_mw)) == (500, 2500)
    assert np.isnan(trace.power_mw[1000:1500]).all()


def test_joulescope_that_is_not_there() -> None:
    def none(config: str) -> SimpleNamespace:
        raise RuntimeError("no devices found")

    with pytest.raises(DeviceError, match="no devices found"):
        record(Joulescope(none), 0.1)


@pytest.mark.parametrize("spec", ["ppk3", "ina219:x", "ina219:1:0x40:0.1:9", "lpm01a", "rapl:0"])
def test_meters_that_are_none(spec: str) -> None:
    with pytest.raises(UsageError, match=r"expected one of|not written as"):
        open_meter(spec, 3.3)
