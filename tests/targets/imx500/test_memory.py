"""The converter's files are read to the byte, and refused by name where they are broken."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tinytracker.errors import ModelError
from tinytracker.targets.imx500.chip.memory import ChipTensor, read_packed, read_report

REPORT = {
    "Memory Report": {
        "Name": "net",
        "Runtime Memory Physical Size": "104704B",
        "Model Memory Physical Size": "261216B",
        "Reserved Memory": "1024B",
        "Memory Usage": "366944B",
        "Total Memory Available On Chip": "8388480B",
        "Memory Utilization": "5%",
        "Fit In Chip": True,
    }
}
PARAMETERS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<dnnParams><networks><network name="net" ordinal="0" type="">
<inputTensors><inputTensor ordinal="0" name="in:0" bitsPerElement="8" shift="0" scale="0.0078125" format="signed"><dimensions>
<dimension size="3" serializationOrder="2" ordinal="0" padding="0"/><dimension size="64" serializationOrder="1" ordinal="1"
 padding="0"/><dimension size="112" serializationOrder="0" ordinal="2" padding="16"/></dimensions></inputTensor></inputTensors>
<outputTensors><outputTensor ordinal="0" name="out:0" bitsPerElement="8" shift="0" scale="9.765625E-4" format="unsigned">
<dimensions><dimension size="2" serializationOrder="0" ordinal="0" padding="0"/></dimensions></outputTensor></outputTensors>
</network></networks></dnnParams>"""  # noqa: E501


def pack(path: Path, **changed: str | bytes) -> Path:
    """A packerOut.zip; `changed` replaces files by their stem, "" leaves one out."""
    files: dict[str, str | bytes] = {
        "dnnParams.xml": PARAMETERS,
        "manifest.json": "{}",
        "l2staticData.bin": bytes(1000),
    }
    files |= {name: changed[Path(name).stem] for name in files if Path(name).stem in changed}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            if content:
                archive.writestr(name, content)
    return path


def test_the_memory_report(tmp_path):
    (tmp_path / "net_MemoryReport.json").write_text(json.dumps(REPORT))
    report = read_report(tmp_path)
    assert (report.weights_bytes, report.working_bytes, report.reserved_bytes) == (261_216, 104_704, 1024)
    assert report.used_bytes == 366_944
    assert report.available_bytes == 8_388_480
    assert report.share == pytest.approx(0.04374, abs=1e-5)
    assert report.fits


@pytest.mark.parametrize(
    ("key", "value"),
    [("Reserved Memory", "1.00KB"), ("Model Memory Physical Size", None), ("Fit In Chip", KeyError)],
)
def test_a_broken_report_is_refused(tmp_path, key, value):
    report = json.loads(json.dumps(REPORT))
    report["Memory Report"][key] = value
    if value is KeyError:
        del report["Memory Report"][key]
    (tmp_path / "net_MemoryReport.json").write_text(json.dumps(report))
    with pytest.raises(ModelError, match=r"net_MemoryReport\.json is not the converter's memory report"):
        read_report(tmp_path)


def test_no_report_or_two_are_refused(tmp_path):
    with pytest.raises(ModelError, match="holds 0 files"):
        read_report(tmp_path)
    for name in "ab":
        (tmp_path / f"{name}_MemoryReport.json").write_text(json.dumps(REPORT))
    with pytest.raises(ModelError, match="holds 2 files"):
        read_report(tmp_path)


def test_the_packed_network(tmp_path):
    packed = read_packed(pack(tmp_path / "packerOut.zip"))
    assert packed.name == "net"
    assert packed.inputs == (ChipTensor("in:0", (112, 64, 3), (16, 0, 0), 8, True, 1 / 128),)
    assert packed.outputs == (ChipTensor("out:0", (2,), (0,), 8, False, 2**-10),)
    assert packed.weights_bytes == 1000


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dnnParams": "<dnnParams/>"}, "names no network"),
        ({"dnnParams": "<dnn"}, "no element found|unclosed"),
        ({"dnnParams": ""}, "no item named 'dnnParams.xml'"),
        ({"manifest": "not json"}, "Expecting value"),
        ({"l2staticData": ""}, "l2staticData.bin"),
    ],
)
def test_a_broken_pack_is_refused(tmp_path, changed, message):
    with pytest.raises(ModelError, match=message):
        read_packed(pack(tmp_path / "packerOut.zip", **changed))


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "packerOut.zip").write_bytes(b"PK no")
    with pytest.raises(ModelError, match="not what Sony's converter writes"):
        read_packed(tmp_path / "packerOut.zip")
