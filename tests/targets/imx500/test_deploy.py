"""Packaging with a stand-in for the vendor's tool, and reading what it makes."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from tinytracker.cards import ModelCard, read_card, write_card
from tinytracker.errors import DeviceError, InputError, ModelError, TargetError
from tinytracker.targets.imx500 import deploy
from tinytracker.targets.imx500.chip.isp import Registers
from tinytracker.targets.imx500.chip.rpk import read_rpk
from tinytracker.targets.imx500.deploy import card_of, checks, find_card, package

from .fake import card
from .test_memory import pack

INFO = """networkNum=1
apParamSize=1024
networkID=000001
networkOrdinal=0
inputTensorWidth={width}
inputTensorHeight={height}
inputTensorFormat=RGB
inputTensorNorm_K00=0x0400
inputTensorNorm_K02=0x0000
inputTensorNorm_K03=0x1800
inputTensorNorm_K11=0x0400
inputTensorNorm_K13=0x1800
inputTensorNorm_K20=0x0000
inputTensorNorm_K22=0x0400
inputTensorNorm_K23=0x1800
"""


def cpio(files: dict[str, bytes]) -> bytes:
    """A "newc" archive, written by its definition (man 5 cpio)."""
    out = b""
    for name, data in {**files, "TRAILER!!!": b""}.items():
        fields = [1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return out


def block(size: int, locked: bool = False) -> bytes:
    """A block of firmware: header, flags, content, footer."""
    flags = bytes([0, 0, 0, 0, 0, 0, 1 if locked else 0, 0])
    body = b"9464" + struct.pack(">I", size) + flags
    return body + b"\xa5" * (size + 60 - len(body)) + b"3695" + (b"\x5a" * 32 if locked else b"")


def rpk(width: int = 64, height: int = 64, locked: bool = False) -> bytes:
    info = INFO.format(width=width, height=height).encode()
    return block(1000) + block(320, locked) + cpio({"other": b"abc", "network_info.txt": info})


class TestReadRpk:
    @pytest.mark.parametrize("locked", [False, True])
    def test_reads_the_input(self, tmp_path: Path, locked: bool) -> None:
        (tmp_path / "n.rpk").write_bytes(rpk(128, 96, locked))
        network = read_rpk(tmp_path / "n.rpk")
        assert (network.width_px, network.height_px) == (128, 96)
        assert network.registers == Registers("RGB", (1024,) * 3, (-2048,) * 3, is_signed=True)

    @pytest.mark.parametrize(
        "content", [b"", b"PK\3\4", block(100)[:-3], block(100), block(100) + cpio({"a": b"b"})]
    )
    def test_anything_else_is_named(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "n.rpk").write_bytes(content)
        with pytest.raises(ModelError, match=r"n\.rpk"):
            read_rpk(tmp_path / "n.rpk")

    def test_without_a_size(self, tmp_path: Path) -> None:
        info = INFO.format(width="wide", height=64).encode()
        (tmp_path / "n.rpk").write_bytes(cpio({"network_info.txt": info}))
        with pytest.raises(ModelError, match="no usable"):
            read_rpk(tmp_path / "n.rpk")


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder as an export leaves it."""
    folder = tmp_path / "exported"
    folder.mkdir()
    pack(folder / "packerOut.zip")
    (folder / "fake_intrinsics.json").write_text('{"inference_rate": 30}')
    write_card(card(), folder / "fake.json")
    return folder


@pytest.fixture
def packager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of the vendor's tool's name on PATH, which copies a network into place."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (tmp_path / "made.rpk").write_bytes(rpk())
    script = bin_folder / "imx500-package"
    asked = '[ "$1 $3 $5 $6" = "-i -o -f RGB" ] && [ -f "$2" ]'
    script.write_text(f'#!/bin/sh\n{asked} && cp {tmp_path}/made.rpk "$4/network.rpk"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    return script


def test_packages(exported: Path, packager: Path) -> None:
    network, made = package(exported)
    assert network == exported / "network.rpk"
    assert made.width_px == 64
    found = card_of(network)
    assert found.inputs == card().inputs
    assert found.counts["bytes"] == network.stat().st_size
    assert read_card(exported / "network.json").sha256 == found.sha256


def test_packages_again(exported: Path, packager: Path) -> None:
    """The card written the first time does not stand in the way."""
    package(exported)
    assert package(exported)[0].is_file()


def test_without_the_packager(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeviceError, match="sudo apt install imx500-tools"):
        package(exported)


def test_packager_that_fails(exported: Path, packager: Path) -> None:
    packager.write_text("#!/bin/sh\necho unknown network version >&2\nexit 3\n")
    with pytest.raises(TargetError, match="unknown network version"):
        package(exported)


def test_network_that_does_not_fit_the_card(exported: Path, packager: Path, tmp_path: Path) -> None:
    (tmp_path / "made.rpk").write_bytes(rpk(128, 128))
    with pytest.raises(TargetError, match=r"takes 128 x 128.*says 64 x 64"):
        package(exported)
    assert not (exported / "network.json").exists()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"Format=RGB": "Format=BGR", "K02=0x0000": "K02=0x0400", "K20=0x0000": "K20=0x0400"}, "BGR, signed"),
        (
            {f"K{plane}3=0x1800": f"K{plane}3=0x0000" for plane in range(3)},
            r"RGB, unsigned, K .* and \(0, 0, 0\)",
        ),
        ({"K11=0x0400": "K11=0x0200"}, r"K \(1024, 512, 1024\)"),
        ({"K23=0x1800": "K23=0x1808"}, r"-2040"),
    ],
)
def test_a_network_that_would_be_fed_wrong_is_refused(
    said: dict[str, str], found: str, exported: Path, packager: Path, tmp_path: Path
) -> None:
    content = rpk().decode("latin-1")
    for right, wrong in said.items():
        assert right in content
        content = content.replace(right, wrong)
    (tmp_path / "made.rpk").write_bytes(content.encode("latin-1"))
    with pytest.raises(
        TargetError, match=rf"fed wrong: found .*{found}.*ask for RGB, signed, K \(1024, 1024, 1024\)"
    ):
        package(exported)
    assert not (exported / "network.json").exists()


def test_a_register_may_be_rounded_otherwise(exported: Path, packager: Path, tmp_path: Path) -> None:
    (tmp_path / "made.rpk").write_bytes(rpk().replace(b"K11=0x0400", b"K11=0x0401"))
    assert package(exported)[1].registers.div_val == (1024, 1025, 1024)


def test_folders_that_are_no_export(tmp_path: Path, exported: Path) -> None:
    with pytest.raises(InputError, match=r"packerOut\.zip"):
        package(tmp_path)
    write_card(replace(card(), name="second"), exported / "second.json")
    with pytest.raises(InputError, match="fake, second"):
        find_card(exported)


def test_card_of_another_network(exported: Path, packager: Path) -> None:
    network, _ = package(exported)
    network.write_bytes(rpk() + b"changed")
    with pytest.raises(ModelError, match="another file"):
        card_of(network)
    (exported / "network.json").unlink()
    with pytest.raises(ModelError, match="deploy imx500"):
        card_of(network)


def test_checks_name_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(deploy, "FIRMWARE", (tmp_path / "missing.fpk",))
    made = checks()
    assert [check.is_there for check in made[:2]] == [False, False]
    assert all(check.remedy for check in made)


def test_find_card_reads_only_cards(exported: Path) -> None:
    assert isinstance(find_card(exported), ModelCard)
