"""What a microcontroller board has, as data, and a static estimate of what a network costs there.

A board is a folder with a `board.py` (see `boards`) that holds `BOARD = Board(...)`, each limit with its
source.

Cycles are *estimated* as instructions (emulated) times the core's `CYCLES_PER_INSTRUCTION`. These come from
the cores' published timings and the mix of the generated code, about a quarter of it loads and stores and a
twentieth taken branches: on a Cortex-M4 a load costs 2 cycles, or 1 behind another; a taken branch 2 to 4;
all else 1, multiplications included (Arm DDI 0439, table of instruction timings). The M7 and the M55 issue
two instructions at once where they can; the M0+ has a two-stage pipeline, where a load or store takes 2 and a
taken branch 2 (DDI 0484). Wait states of flash and of external memory are left out: code that runs from slow
flash without a cache is slower than this says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CYCLES_PER_INSTRUCTION = {
    "cortex-m0plus": 1.35,
    "cortex-m4": 1.3,
    "cortex-m33": 1.2,
    "cortex-m7": 0.8,
    "cortex-m55": 0.9,
}
KB = 1024


@dataclass(frozen=True, slots=True)
class BoardCamera:
    """A board's own camera. width_px, height_px: of its frames. powers_of_two: its region is scaled in
    hardware, by 1, 2 or 4 only; else the app scales it, to any size."""

    width_px: int
    height_px: int
    powers_of_two: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """A folder in a vendor's layout, made of templates and a compiled network.

    layout: its name among the board's projects. templates: folders whose files are copied; in those that are
        not called gaze_*, @NAME@ is filled in (see `projects.write_project`), and what `names` adds. into:
        the folder that is made.
    host_port: the serial port, as hosts name it, over which a host may feed the app; empty where only the
        camera can.
    opened, scaled, switch: for the README, how to see what the app prints, who scales the camera's region,
        and what leaves the camera out of the firmware, if anything does.
    precompiled: the ending of files that another compiler has made of a network, such as "_edgetpu.tflite":
        they are copied in place of C.
    """

    layout: str
    templates: tuple[Path, ...]
    into: str
    host_port: str = ""
    opened: str = ""
    scaled: str = ""
    switch: str = ""
    precompiled: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Board:
    """A board, or a class of them.

    name: on the command line. cpu: a core of CYCLES_PER_INSTRUCTION.
    flash_bytes, ram_bytes: for the whole program, as its default build gives them; `unified`: code, tables
        and data share ram_bytes, and there is no other limit; most_ram_bytes: what another setting of the
        build gives.
    runtime_flash_bytes, runtime_bytes: what the vendor's runtime takes of them, and camera_bytes what its
        camera's frame does: our assumptions, stated so in the tables, not measurements. source: where the
        limits stand.
    camera: None without one of its own. projects: the first is written unless another is asked for; without
        any, `export` writes C for the core.
    """

    name: str
    title: str
    cpu: str
    clock_mhz: int
    flash_bytes: int
    ram_bytes: int
    unified: bool = False
    runtime_flash_bytes: int = 32 * KB
    runtime_bytes: int = 16 * KB
    camera_bytes: int = 0
    most_ram_bytes: int = 0
    source: str = ""
    camera: BoardCamera | None = None
    projects: tuple[Project, ...] = ()

    def __post_init__(self) -> None:
        if self.cpu not in CYCLES_PER_INSTRUCTION:
            raise ValueError(
                f"the core {self.cpu!r} is unknown; expected one of {', '.join(CYCLES_PER_INSTRUCTION)}"
            )

    def cycles(self, instructions: float) -> float:
        """Estimated; see the module's text."""
        return instructions * CYCLES_PER_INSTRUCTION[self.cpu]

    def milliseconds(self, instructions: float) -> float:
        """Estimated time of one inference at the full clock."""
        return self.cycles(instructions) / self.clock_mhz / 1000


@dataclass(frozen=True, slots=True)
class Fit:
    """How much of a board's memory a network with the board's runtime and camera takes. Shares above 1: it
    does not fit."""

    flash_needed: int
    ram_needed: int
    flash_share: float
    ram_share: float

    @property
    def fits(self) -> bool:
        return self.flash_share <= 1 and self.ram_share <= 1


def fit(board: Board, model_flash_bytes: int, model_ram_bytes: int) -> Fit:
    """model_ram_bytes: arena, variables and stack, with the input buffers that the program keeps."""
    flash = model_flash_bytes + board.runtime_flash_bytes
    ram = model_ram_bytes + board.runtime_bytes + board.camera_bytes
    if board.unified:
        share = (flash + ram) / board.ram_bytes
        return Fit(flash, ram, share, share)
    return Fit(flash, ram, flash / board.flash_bytes, ram / board.ram_bytes)
