"""Running programs on emulated boards: instructions counted exactly alike each time, and a serial link to
track over.

QEMU's `-icount shift=0` makes every instruction take one nanosecond of the emulated clock; the program reads
SysTick, so a count comes in steps of 40 instructions (25 MHz), the same on every machine and in every run.
Counts are of instructions, not cycles, and what they are called is *emulated*.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from tinytracker.errors import DeviceError, TargetError
from tinytracker.targets.mcu.firmware import Firmware, build, find_tool
from tinytracker.targets.mcu.machines import Machine

TICKS_TOO_MANY = 0xFFFFFFFF
TIMEOUT_S = 600.0
START_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """outputs: int8 (samples, bytes), all outputs of a sample after each other. instructions: int64
    (samples,), emulated. stack_bytes: the deepest the network's stack got."""

    firmware: Firmware
    outputs: np.ndarray
    instructions: np.ndarray
    stack_bytes: int

    @property
    def ram_bytes(self) -> int:
        """Everything the network needs: arena (with input buffers unless rows are pushed), variables,
        stack."""
        return self.firmware.arena_bytes + self.firmware.static_bytes + self.stack_bytes


def measure(
    model: Mapping[str, str], machine: Machine, samples: Sequence[Sequence[np.ndarray]], rows_at_once: int = 1
) -> Measurement:
    """Runs a compiled network (its files: name -> text) on a machine once per sample.

    samples: per sample the inputs' int8 arrays. rows_at_once: how many rows a push brings, where the network
    takes rows. Raises TargetError if a tool is missing, the program does not build, faults or does not end.
    """
    with tempfile.TemporaryDirectory(prefix="tinytracker-qemu-") as name:
        folder = Path(name)
        firmware = build(model, machine, "bench", folder, [f"BENCH_ROWS={rows_at_once}"])
        (folder / "inputs.bin").write_bytes(
            b"".join(array.tobytes() for sample in samples for array in sample)
        )
        text = run_program(firmware, folder)
        records = (folder / "outputs.bin").read_bytes()
    stack = re.search(r"stack_bytes=(\d+)", text)
    if stack is None or not samples or len(records) % len(samples) or len(records) // len(samples) < 5:
        raise TargetError(
            f"the program on {machine.name} ended early: {text.strip()[-200:] or 'it said nothing'}"
        )
    return measurement_of(firmware, np.frombuffer(records, np.uint8).reshape(len(samples), -1), int(stack[1]))


def measurement_of(firmware: Firmware, table: np.ndarray, stack_bytes: int) -> Measurement:
    """What a program wrote, uint8 (samples, bytes): a sample's ticks, then its outputs."""
    machine = firmware.machine
    ticks = np.ascontiguousarray(table[:, :4]).view("<u4").reshape(-1).astype(np.int64)
    if (ticks == TICKS_TOO_MANY).any():
        limit = (1 << 24) * machine.instructions_per_tick
        raise TargetError(
            f"an inference takes more than the {limit / 1e6:.0f} million instructions that {machine.name} "
            f"can count"
        )
    instructions = np.rint(ticks * machine.instructions_per_tick).astype(np.int64)
    return Measurement(firmware, table[:, 4:].view(np.int8).copy(), instructions, stack_bytes)


def command(machine: Machine, elf: Path, *serial: str) -> list[str]:
    """QEMU's command line; `serial` says where the serial port goes."""
    return [
        find_tool("qemu-system-arm"),
        "-M",
        machine.qemu,
        "-icount",
        "shift=0",
        "-display",
        "none",
        "-monitor",
        "none",
        *serial,
        "-semihosting-config",
        "enable=on,target=native",
        "-kernel",
        str(elf),
    ]


def run_program(firmware: Firmware, folder: Path) -> str:
    """Runs a program until it ends; gives what it and QEMU printed."""
    machine = firmware.machine
    try:
        done = subprocess.run(
            command(machine, firmware.elf, "-serial", "null"),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            text=True,
        )
    except subprocess.TimeoutExpired as error:
        raise TargetError(f"the program on {machine.name} did not end within {TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        raise TargetError(
            f"the program on {machine.name} ended with code {done.returncode}: {done.stdout.strip()[-200:]}"
        )
    return done.stdout


class Emulator:
    """An emulated board that answers on its serial link, while this context lasts. `url` is for pyserial.

    over: "pty", a pseudo terminal, or "tcp", a socket on this machine. Entering raises TargetError if the
    program does not build, DeviceError if the emulator does not start.
    """

    def __init__(
        self, model: Mapping[str, str], machine: Machine, over: Literal["pty", "tcp"] = "pty"
    ) -> None:
        self.machine = machine
        self.url = ""
        self._model = model
        self._over = over
        self._process: subprocess.Popen[str] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._printed = ""  # since the start

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="tinytracker-qemu-")
        try:
            elf = build(self._model, self.machine, "serve", Path(self._folder.name)).elf
            self.url = self._start_pty(elf) if self._over == "pty" else self._start_tcp(elf)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def marks_us(self) -> list[int]:
        """Emulated microseconds at which the marker pulsed since the last call: what a marker pin is on a
        real board."""
        assert self._process is not None
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        while select.select([pipe], [], [], 0.2)[0] and (printed := os.read(pipe, 1 << 16)):
            self._printed += printed.decode()
        whole, _, self._printed = self._printed.rpartition("\n")
        return [int(found) for found in re.findall(r"marker_us=(\d+)", whole)]

    def kill(self) -> None:
        """Ends the emulator at once, as pulling the plug would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start_pty(self, elf: Path) -> str:
        process = self._start(
            command(self.machine, elf, "-chardev", "pty,id=link", "-serial", "chardev:link")
        )
        printed = ""
        deadline = time.monotonic() + START_TIMEOUT_S
        assert process.stdout is not None
        while time.monotonic() < deadline:
            if not select.select([process.stdout], [], [], 0.1)[0]:
                continue
            line = process.stdout.readline()
            printed += line
            found = re.search(r"redirected to (/dev/\S+)", line)
            if found:
                return found[1]
            if not line:
                break
        raise DeviceError(f"{self.machine.name} did not start: {printed.strip() or 'it said nothing'}")

    def _start_tcp(self, elf: Path) -> str:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(1)
            handle = (
                listening.fileno()
            )  # QEMU takes the open socket over: nobody else can take the port meanwhile
            serial = f"socket,id=link,fd={handle},server=on,wait=off"
            self._start(command(self.machine, elf, "-chardev", serial, "-serial", "chardev:link"), handle)
            return f"socket://127.0.0.1:{listening.getsockname()[1]}"

    def _start(self, line: list[str], *handles: int) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=handles,
            start_new_session=True,  # Ctrl-C is for us; we end the emulator ourselves
        )
        return self._process
