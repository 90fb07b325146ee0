"""Recordings in every format, and the four real ones against their published energies."""

from __future__ import annotations

import json
import math
import os
import re
import struct
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytracker.costs.rows import COLUMNS
from tinytracker.costs.trace import Trace, Window, evenly
from tinytracker.costs.traces import csv_file, kept
from tinytracker.costs.traces.read import read_trace
from tinytracker.costs.windows import Expected, by_level, find_blocks
from tinytracker.errors import InputError

REAL = Path(__file__).parents[3] / "shared" / "data" / "mlperf-energy"
RATE_HZ = 1000.0


def blocky(
    blocks: int = 5, block_s: float = 12.0, gap_s: float = 1.0, rate_hz: float = RATE_HZ
) -> np.ndarray:
    """mW of a board: idle at 5 with noise, then blocks at 40, idle between and after."""
    rng = np.random.default_rng(17)
    pattern = [np.full(round(gap_s * rate_hz), 5.0)]
    for _ in range(blocks):
        pattern += [np.full(round(block_s * rate_hz), 40.0), np.full(round(gap_s * rate_hz), 5.0)]
    power = np.concatenate(pattern)
    return (power * (1 + 0.02 * rng.standard_normal(len(power)))).astype(np.float32)


def real(name: str) -> tuple[Trace, list[float], float]:
    """A real trace, its published window energies in mJ, and the published seconds of a window."""
    folder = REAL / name
    if not folder.is_dir():
        pytest.skip(f"no {folder}: the published traces of MLPerf Tiny are not here")
    text = (folder / "results.txt").read_text()
    energies_mj = [float(value) / 1e3 for value in re.findall(r"Energy {7}: +([\d.]+) uJ\n", text)]
    runtimes_s = [float(value) for value in re.findall(r"Runtime +: +([\d.]+) sec", text)]
    return read_trace(folder / "trace1-energy.bin"), energies_mj, float(np.median(runtimes_s))


NAMES = ("NUCLEO_L4R5ZI-ic", "NUCLEO_L4R5ZI-kws", "NUCLEO_U575ZI_Q-ad", "NUCLEO_U575ZI_Q-kws")


class TestRealTraces:
    @pytest.mark.parametrize("name", NAMES)
    def test_windows_have_the_published_energy(self, name: str) -> None:
        trace, published_mj, block_s = real(name)
        blocks = find_blocks(trace, Expected(5, block_s))
        assert [trace.energy_mj(block) for block in blocks] == pytest.approx(published_mj, rel=3e-3)

    @pytest.mark.parametrize("name", ["NUCLEO_L4R5ZI-kws", "NUCLEO_U575ZI_Q-kws"])
    def test_level_alone_finds_the_windows(self, name: str) -> None:
        trace, published_mj, block_s = real(name)
        unmarked = Trace(trace.power_mw, trace.rate_hz)
        blocks = find_blocks(unmarked, Expected(5, block_s))
        assert [block.begin_s for block in blocks] == pytest.approx(
            [block.begin_s for block in trace.blocks], abs=5e-3
        )
        assert [unmarked.energy_mj(block) for block in blocks] == pytest.approx(published_mj, rel=3e-3)

    def test_idle_above_inference_is_refused(self) -> None:
        """Five equal blocks are found: the waits, which take more power than the inferences. Only the
        duration tells."""
        trace, _, block_s = real("NUCLEO_L4R5ZI-ic")
        unmarked = Trace(trace.power_mw, trace.rate_hz)
        assert len(by_level(unmarked)) == 5
        with pytest.raises(
            InputError, match=r"5 blocks were found.*clock says 16\.49\d s a block, 41\.\d % off"
        ):
            find_blocks(unmarked, Expected(5, block_s))
        with pytest.raises(InputError, match="without knowing how long a block lasts"):
            find_blocks(unmarked)

    def test_loading_that_looks_like_inference_is_refused(self) -> None:
        trace, _, block_s = real("NUCLEO_U575ZI_Q-ad")
        with pytest.raises(InputError, match=r"10 blocks were found.*expected 5"):
            find_blocks(Trace(trace.power_mw, trace.rate_hz), Expected(5, block_s))


def eembc(folder: Path, scale: float) -> Path:
    power = blocky()
    path = folder / "trace1-energy.bin"
    path.write_bytes(struct.pack("<Bf", 0xF1, RATE_HZ) + (power / RATE_HZ * scale).astype("<f4").tobytes())
    edges = [edge for k in range(5) for edge in (1 + 13 * k, 13 + 13 * k)]
    (folder / "trace1-timestamps.json").write_text(json.dumps([0.02, *edges]))
    return path


@pytest.mark.parametrize("per_mj", [1e3, 1e-3], ids=["microjoules", "joules"])
def test_eembc(tmp_path: Path, per_mj: float) -> None:
    trace = read_trace(eembc(tmp_path, per_mj))
    assert trace.blocks[1] == Window(14, 26)
    assert trace.mean_mw(trace.blocks[0]) == pytest.approx(40, rel=1e-3)


def test_eembc_cut_off(tmp_path: Path) -> None:
    path = eembc(tmp_path, 1e3)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="cut off"):
        read_trace(path)


def test_mlcommons(tmp_path: Path) -> None:
    power = blocky(1)
    entry = {
        "infer": {"iterations": 20},
        "power": {
            "samples": (power / 1e6).tolist(),
            "timestamps": [["01", 1000], ["02", 13000]],
            "voltage": 3.3,
        },
    }
    path = tmp_path / "results.json"
    path.write_text(json.dumps([entry] * 5))
    trace = read_trace(path)
    assert trace.inferences == 20
    assert len(trace.blocks) == 5
    assert trace.energy_mj(trace.blocks[4]) == pytest.approx(480, rel=1e-3)
    path.write_text(json.dumps([{**entry, "power": {**entry["power"], "timestamps": [["01", 1000]]}}]))
    with pytest.raises(InputError, match="1 events among 14000 samples"):
        read_trace(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"power": {"samples": ["a"], "timestamps": [[1, 0], [2, 1]]}},
        {"power": {"samples": 3, "timestamps": [[1, 0], [2, 1]]}},
        {"power": {"samples": [[1], [2]], "timestamps": [[1, 0], [2, 1]]}},
        {"power": {"samples": [1e300, 1], "timestamps": [[1, 0], [2, 1]]}},
        {"power": {"samples": [1, 2], "timestamps": [[1, 0], [2, 1]]}, "infer": []},
        {"power": {"samples": [1, 2], "timestamps": [[1, 0], [2, 1]]}, "infer": {"iterations": "x"}},
        {"power": {"samples": [1, 2], "timestamps": [[1, 0], [2, 1]]}, "infer": {"iterations": math.inf}},
        {"power": {"samples": [1, 2], "timestamps": [[1, math.inf], [2, 1]]}},
    ],
)
def test_mlcommons_of_another_kind(tmp_path: Path, entry: dict) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps([entry]))
    with pytest.raises(InputError, match=r"results\.json, entry 0|holds infinity"):
        read_trace(path)


def ppk2(path: Path, current_ua: np.ndarray, bits: np.ndarray, rate_hz: float) -> Path:
    session = np.empty(len(current_ua), [("ua", "<f4"), ("bits", "<u2")])
    session["ua"], session["bits"] = current_ua, bits
    metadata = {"metadata": {"samplesPerSecond": rate_hz, "startSystemTime": 0, "formatVersion": 2}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("session.raw", session.tobytes())
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("minimap.raw", b"")
    return path


def pulses(length: int, edges: list[int], width: int = 2) -> np.ndarray:
    """A resting-high marker that goes low for `width` samples at each edge."""
    marks = np.ones(length, np.uint8)
    for edge in edges:
        marks[edge : edge + width] = 0
    return marks


def ends_s(blocks: Sequence[Window]) -> list[float]:
    return [end for block in blocks for end in (block.begin_s, block.end_s)]


def test_ppk2_file(tmp_path: Path) -> None:
    power = blocky()
    edges = [edge for k in range(5) for edge in (1000 + 13000 * k, 13000 + 13000 * k)]
    path = ppk2(tmp_path / "run.ppk2", power / 3.0 * 1e3, pulses(len(power), edges), RATE_HZ)
    with pytest.raises(InputError, match="supply voltage"):
        read_trace(path)
    trace = read_trace(path, 3.0)
    blocks = find_blocks(trace)
    assert blocks[2] == Window(27, 39)
    assert trace.mean_mw(blocks[2]) == pytest.approx(40, rel=1e-3)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Timestamp(ms),Current(uA),D0,D1,D2,D3,D4,D5,D6,D7", "{ms},{ua},{mark},0,0,0,0,0,0,0"),
        ("Timestamp(ms),Current(uA),D0-D7", "{ms},{ua},{mark}0000000"),
        ("Timestamp(ms),Current(uA),Bits", "{ms},{ua},{mark}"),
        ("#time,current,voltage,gpi0", "{s},{a},3.0,{mark}"),
        ("time_s,power_mw,mark", "{s},{mw},{mark}"),
        ("Power [W],Time (us),comment,D0", "{w},{us},1,{mark}"),
        ("Time [µs],Power [mW],mark", "{us},{mw},{mark}"),
        ("time_μs,power_mw,mark", "{us},{mw},{mark}"),
    ],
)
def test_csv_spellings(tmp_path: Path, header: str, row: str) -> None:
    power, edges = blocky(2, 3.0), [1000, 4000, 5000, 8000]
    marks = pulses(len(power), edges)
    lines = [
        row.format(ms=k, s=k / 1e3, us=k * 1e3, ua=mw / 3e-3, a=mw / 3e3, mw=mw, w=mw / 1e3, mark=marks[k])
        for k, mw in enumerate(power.tolist())
    ]
    path = tmp_path / "run.csv"
    path.write_bytes(("\r\n".join([header, *lines]) + "\r\n").encode())
    trace = read_trace(path, 3.0)
    assert trace.rate_hz == pytest.approx(1000)
    assert ends_s(find_blocks(trace, Expected(2))) == pytest.approx([1, 4, 5, 8])
    assert trace.energy_mj(Window(1, 4)) == pytest.approx(120, rel=1e-2)


def test_csv_gaps_are_lost_samples(tmp_path: Path) -> None:
    lines = [f"{k},10" for k in range(1000) if not 500 <= k < 520]
    path = tmp_path / "run.csv"
    path.write_text("\n".join(["time_ms,power_mw", *lines]))
    trace = read_trace(path)
    assert (trace.lost, len(trace.power_mw)) == (20, 1000)
    with pytest.raises(InputError, match=r"lost 10\.00 % of the samples"):
        trace.energy_mj(Window(0.4, 0.6))


def test_csv_uneven_readings_keep_their_energy(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    times_s = np.cumsum(rng.uniform(0.8e-3, 2.5e-3, 4000))
    power = rng.uniform(10, 50, 4000)
    path = tmp_path / "polled.csv"
    path.write_text(
        "\n".join(["time_s,power_mw", *(f"{t:.9f},{p:.6f}" for t, p in zip(times_s, power, strict=True))])
    )
    trace = read_trace(path)
    energy_mj = power[0] * (times_s[1] - times_s[0]) + np.sum(power[1:] * np.diff(times_s))
    assert trace.energy_mj(Window(0, trace.duration_s)) == pytest.approx(energy_mj, rel=1e-3)
    assert "uneven" in trace.remarks[0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b\n1,2\n", "names no columns"),
        (",".join(COLUMNS) + "\nhost,net,macs,1,,,,measured,s,\n", "tinytracker compare .* shows them"),
        ("time_s,voltage_v\n0,3\n1,3\n", "expected a time"),
        ("time_s,power_mw\n", "no samples"),
        ("time_s,power_mw\n0,1\n1,x\n2,3\n", "line 3: expected 2 numbers, found '1,x'"),
        ("time_s,power_mw\n0,1\n1\n2,3\n", "line 3: expected 2 numbers, found '1'"),
        ("time_s,power_mw\n0,1\n1,1\n0,1\n", "time does not rise"),
        ("time_s,current_ma\n0,1\n1,1\n", "supply voltage"),
        ("time_s;power_mw\n0;1\n1;1\n", "names no columns .*commas part columns, not semicolons"),
        ("time_s\tpower_mw\n0\t1\n1\t1\n", "names no columns .*commas part columns"),
        ("time_s,power_mw\n0,0,1,5\n0,1,1,5\n", "line 2: expected 2 numbers"),
        ("time_s,current_ma,current_ua\n0,1,1\n1,1,1\n", "current_ma and current_ua are both columns of cur"),
        ("time_s,current_ma,voltage_kv\n0,1,1\n1,1,1\n", "'kv' is no unit of voltage; expected one of v, mv"),
        ("time_min,power_mw\n0,1\n1,1\n", "'min' is no unit of time"),
        ("time_s,power_mw\n0,1\n1,inf\n", "holds infinity"),
        ("time_s,power_mw\n0,1\n1,1e39\n", "holds infinity"),
        ("time_s,power_mw\n0,1\nnan,1\n", "time does not rise"),
        ("time_s,power_mw\n0,1\n1,1\n2,1\n1e12,1\n", "nearly all are missing"),
        ("time_s,power_mw,mark\n0,1,0\n1,1,nan\n", "a logic level that is no number"),
        ("time_s,power_mw,D0-D7\n0,1,00000000\n1,1,02000000\n", "02000000; expected eight digits of 0 and 1"),
        ("time_s,power_mw,bits\n0,1,0\n1,1,256\n", "expected eight bits"),
    ],
)
def test_csv_complaints(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_trace(path)


@pytest.mark.parametrize(
    "text", ["1,2\n3,4", "1,2\n3", "1,2\nx,4", "1,2\n3,", "1,,2\n3,4", "1e-3,+2.5\n0,-1"]
)
def test_csv_is_read_alike_with_and_without_pyarrow(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow, the extra `data`, is not installed")

    def outcome() -> list[list[float]] | str:
        try:
            return csv_file._table(text.encode(), Path("x.csv"), 2, 2).tolist()
        except InputError as error:
            return str(error)

    quick = outcome()
    monkeypatch.setattr(csv_file, "_parse", csv_file._parse_slowly)
    assert outcome() == quick


def test_jls(tmp_path: Path) -> None:
    pyjls = pytest.importorskip("pyjls", reason="pyjls, the extra `meters`, is not installed")
    power, rate_hz = blocky(2, 3.0), 1000
    marks = pulses(len(power), [1000, 4000, 5000, 8000])
    path = tmp_path / "run.jls"
    with pyjls.Writer(str(path)) as writer:
        writer.source_def(
            source_id=1, name="JS220", vendor="Jetperch", model="JS220", version="1", serial_number="1"
        )
        for number, (name, units) in enumerate((("current", "A"), ("voltage", "V")), 1):
            writer.signal_def(signal_id=number, source_id=1, sample_rate=rate_hz, name=name, units=units)
        writer.signal_def(
            3,
            1,
            signal_type=pyjls.SignalType.FSR,
            data_type=pyjls.DataType.U1,
            sample_rate=rate_hz,
            name="gpi[0]",
        )
        writer.fsr_f32(1, 0, (power / 3e3).astype(np.float32))
        writer.fsr_f32(2, 0, np.full(len(power), 3.0, np.float32))
        writer.fsr(3, 0, np.packbits(marks, bitorder="little"))
    trace = read_trace(path)
    assert find_blocks(trace, Expected(2)) == (Window(1, 4), Window(5, 8))
    assert trace.energy_mj(Window(5, 8)) == pytest.approx(120, rel=1e-2)


def test_kept(tmp_path: Path) -> None:
    trace = Trace(
        blocky(), RATE_HZ, pulses(66000, [3]), (Window(1, 13),), 40, 0.01, 0.002, "a meter", ("a remark",)
    )
    kept.write(trace, tmp_path / "kept.npz")
    again = read_trace(tmp_path / "kept.npz")
    assert np.array_equal(again.power_mw, trace.power_mw)
    assert np.array_equal(again.marks, trace.marks)
    for name in ("rate_hz", "blocks", "inferences", "gain_error", "rate_error", "meter", "remarks"):
        assert getattr(again, name) == getattr(trace, name)


@settings(max_examples=300, deadline=None)
@given(
    data=st.data(),
    kind=st.sampled_from(["run.ppk2", "kept.npz", "run-energy.bin", "results.json", "run.csv"]),
)
def test_damaged_recordings_are_read_or_refused(
    data: st.DataObject, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes changed, cut off or taken out: a trace or an InputError, and nothing else."""
    folder = tmp_path_factory.getbasetemp()
    path = folder / f"damaged-{kind}"
    content = bytearray(_whole(folder, kind))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    at = data.draw(st.integers(0, len(content) - 1))
    del content[at : at + data.draw(st.sampled_from([0, 1, 7, len(content)]))]
    path.write_bytes(content)
    try:
        trace = read_trace(path, 3.0)
    except InputError:
        return
    assert len(trace.power_mw) > 0


@cache
def _whole(folder: Path, kind: str) -> bytes:
    """A small recording of each kind."""
    power, path = blocky(1, 0.02, 0.01), folder / kind
    if kind == "run.ppk2":
        ppk2(path, power, pulses(len(power), [10, 30]), RATE_HZ)
    elif kind == "kept.npz":
        kept.write(Trace(power, RATE_HZ, pulses(len(power), [10, 30]), (Window(0.01, 0.03),)), path)
    elif kind == "run-energy.bin":
        path.write_bytes(struct.pack("<Bf", 0xF1, RATE_HZ) + power.tobytes())
    elif kind == "results.json":
        samples = {"samples": (power / 1e6).tolist(), "timestamps": [["01", 10], ["02", 30]]}
        path.write_text(json.dumps([{"infer": {"iterations": 2}, "power": samples}]))
    else:
        path.write_text(
            "time_s,power_mw,D0-D7\n" + "".join(f"{k / 1e3},{mw},00000001\n" for k, mw in enumerate(power))
        )
    return path.read_bytes()


def test_archives_that_nobody_can_open(tmp_path: Path) -> None:
    """Encrypted, or packed by a method that zipfile does not know."""
    power = blocky(1, 0.02)
    path = ppk2(tmp_path / "run.ppk2", power, pulses(len(power), [10, 30]), RATE_HZ)
    whole = path.read_bytes()
    local, central = whole.find(b"PK\x03\x04"), whole.find(b"PK\x01\x02")
    for flags, method in ((1, 0), (0, 99)):
        content = bytearray(whole)
        for at in (whole.rfind(b"PK\x03\x04", 0, whole.find(b"metadata.json")), central, local):
            content[at + (6 if at != central else 8)] = flags
            content[at + (8 if at != central else 10)] = method
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"is no \.ppk2"):
            read_trace(path, 3.0)


def test_what_may_never_end_is_no_recording(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "trace.npz")
    for path in (tmp_path / "trace.npz", Path("/dev/zero"), tmp_path):
        with pytest.raises(InputError, match="is no regular file; expected a recording"):
            read_trace(path)


def test_unknown_file(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(60))
    with pytest.raises(InputError, match="no recording of power"):
        read_trace(path)


def test_evenly_keeps_energy_between_readings() -> None:
    power = evenly(np.array([1.0, 2.0, 4.0]), np.array([10.0, 20.0, 40.0]), 4.0)
    assert power.tolist() == [10.0] * 4 + [20.0] * 4 + [40.0] * 8
