"""What the converter says of a converted network: its memory on the chip, its input and output tensors."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tinytracker.errors import ModelError
from tinytracker.files import DAMAGE, parse_json, read_json

PACKER_OUT, PARAMETERS, MANIFEST = "packerOut.zip", "dnnParams.xml", "manifest.json"
INTRINSICS_FILE = "network_intrinsics.json"
WEIGHTS = "l2staticData.bin"
REPORT_SUFFIX = "_MemoryReport.json"


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """Bytes on the chip. weights: the network's own; working: for maps while it runs; reserved: the chip's;
    available: in all."""

    weights_bytes: int
    working_bytes: int
    reserved_bytes: int
    available_bytes: int
    fits: bool

    @property
    def used_bytes(self) -> int:
        return self.weights_bytes + self.working_bytes + self.reserved_bytes

    @property
    def share(self) -> float:
        """Of what is available, 0 to 1 (or more)."""
        return self.used_bytes / self.available_bytes

    def as_card(self) -> dict[str, Any]:
        return {
            "weights_bytes": self.weights_bytes,
            "working_bytes": self.working_bytes,
            "reserved_bytes": self.reserved_bytes,
            "available_bytes": self.available_bytes,
            "share": round(self.share, 4),
            "how": "the converter's memory report",
        }


@dataclass(frozen=True, slots=True)
class ChipTensor:
    """An input or output tensor on the chip. size: width, height, channels of an input; the lengths of an
    output. Real value = stored value * scale."""

    name: str
    size: tuple[int, ...]
    padding: tuple[int, ...]
    bits: int
    is_signed: bool
    scale: float


@dataclass(frozen=True, slots=True)
class PackedNetwork:
    """What is in packerOut.zip. weights_bytes: of the file with the coefficients."""

    name: str
    inputs: tuple[ChipTensor, ...]
    outputs: tuple[ChipTensor, ...]
    weights_bytes: int
    files: dict[str, int]


def read_report(folder: Path) -> MemoryReport:
    """The memory report in a folder that the converter wrote; raises ModelError if there is not exactly
    one, or it is broken."""
    found = sorted(folder.glob(f"*{REPORT_SUFFIX}"))
    if len(found) != 1:
        raise ModelError(
            f"{folder} holds {len(found)} files *{REPORT_SUFFIX}; expected the one that Sony's converter "
            f"writes"
        )
    try:
        report = read_json(found[0])["Memory Report"]
        fits = report["Fit In Chip"]
        weights, working = (
            _bytes(report["Model Memory Physical Size"]),
            _bytes(report["Runtime Memory Physical Size"]),
        )
        reserved, available = (
            _bytes(report["Reserved Memory"]),
            _bytes(report["Total Memory Available On Chip"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{found[0]} is not the converter's memory report: {error!r}; convert the network again"
        ) from error
    return MemoryReport(weights, working, reserved, available, bool(fits))


def read_packed(path: Path) -> PackedNetwork:
    """Reads packerOut.zip; raises ModelError, naming what is wrong, if it is not what the converter
    writes."""
    try:
        with zipfile.ZipFile(path) as archive:
            if (broken := archive.testzip()) is not None:
                raise ValueError(f"{broken} is damaged")
            files = {entry.filename: entry.file_size for entry in archive.infolist()}
            network = ElementTree.fromstring(archive.read(PARAMETERS)).find("networks/network")
            parse_json(archive.read(MANIFEST))
        if network is None:
            raise ValueError(f"{PARAMETERS} names no network")
        return PackedNetwork(
            network.attrib["name"],
            tuple(_tensor(one) for one in network.iterfind("inputTensors/inputTensor")),
            tuple(_tensor(one) for one in network.iterfind("outputTensors/outputTensor")),
            files[WEIGHTS],
            files,
        )
    except (*DAMAGE, ElementTree.ParseError) as error:
        raise ModelError(
            f"{path} is not what Sony's converter writes: {error}; convert the network again"
        ) from error


def _tensor(element: ElementTree.Element) -> ChipTensor:
    dimensions = sorted(
        element.iterfind("dimensions/dimension"), key=lambda one: int(one.attrib["serializationOrder"])
    )
    return ChipTensor(
        element.attrib["name"],
        tuple(int(one.attrib["size"]) for one in dimensions),
        tuple(int(one.attrib["padding"]) for one in dimensions),
        int(element.attrib["bitsPerElement"]),
        element.attrib["format"] == "signed",
        float(element.attrib["scale"]),
    )


def _bytes(text: str) -> int:
    """A size that was asked for in bytes: "104704B"."""
    found = re.fullmatch(r"(\d+)\s*B?", str(text).strip())
    if found is None:
        raise ValueError(f"{text!r} is no number of bytes")
    return int(found[1])
