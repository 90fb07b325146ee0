"""What microcontroller boards have, and a static estimate of cycles: data, each with its source.

Cycles are *estimated* as instructions (emulated) times the core's `CYCLES_PER_INSTRUCTION`. These come from the cores'
published timings and the mix of the generated code, about a quarter of it loads and stores and a twentieth taken branches:
on a Cortex-M4 a load costs 2 cycles, or 1 behind another; a taken branch 2 to 4; all else 1, multiplications included (Arm
DDI 0439, table of instruction timings). The M7 and the M55 issue two instructions at once where they can; the M0+ has a
two-stage pipeline, where a load or store takes 2 and a taken branch 2 (DDI 0484). Wait states of flash and of external memory
are left out: code that runs from slow flash without a cache is slower than this says.
"""

from __future__ import annotations

from dataclasses import dataclass

CYCLES_PER_INSTRUCTION = {
    "cortex-m0plus": 1.35,
    "cortex-m4": 1.3,
    "cortex-m33": 1.2,
    "cortex-m7": 0.8,
    "cortex-m55": 0.9,
}
KB = 1024


@dataclass(frozen=True, slots=True)
class Board:
    """A board, or a class of them.

    flash_bytes, ram_bytes: for the whole program, as its default build gives them; `unified`: code, tables and data share
    ram_bytes, and there is no other limit; most_ram_bytes: what another setting of the build gives. runtime_bytes,
    runtime_flash_bytes: what the vendor's runtime takes of them, and camera_bytes what its camera's frame does: our
    assumptions, stated so in the tables, not measurements.
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

    def cycles(self, instructions: float) -> float:
        """Estimated; see the module's text."""
        return instructions * CYCLES_PER_INSTRUCTION[self.cpu]

    def milliseconds(self, instructions: float) -> float:
        """Estimated time of one inference at the full clock."""
        return self.cycles(instructions) / self.clock_mhz / 1000


@dataclass(frozen=True, slots=True)
class Fit:
    """How much of a board's memory a network with the board's runtime and camera takes. Shares above 1: it does not fit."""

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


_BOARDS = (
    Board(  # runtime: a published sketch of one sensor takes 183 kB in all; the camera and its buffers' heap come on top
        "spresense", "Sony Spresense (main core, Arduino default)", "cortex-m4", 156, 768 * KB, 768 * KB, unified=True,
        runtime_flash_bytes=256 * KB, runtime_bytes=64 * KB, camera_bytes=320 * 240 * 2 + 96 * 96 * 2,
        most_ram_bytes=1536 * KB,
        source="Sony, Spresense Hardware Documents (CXD5602, 156 MHz, 1.5 MB SRAM); Arduino guide (768 KB for the main core)",
    ),
    Board(
        "coralmicro", "Google Coral Dev Board Micro (M7)", "cortex-m7", 800, 8192 * KB, 1280 * KB,
        runtime_flash_bytes=1024 * KB, runtime_bytes=512 * KB, camera_bytes=0,  # the camera's frames lie in the 64 MB of SDRAM
        source="Google, Dev Board Micro data sheet (i.MX RT1176, 800 MHz; up to 1.25 MB of OCRAM)",
    ),
    Board(
        "nano33ble", "Arduino Nano 33 BLE (nRF52840)", "cortex-m4", 64, 1024 * KB, 256 * KB,
        source="Nordic, nRF52840 product specification",
    ),
    Board("stm32h743", "STM32H743", "cortex-m7", 480, 2048 * KB, 512 * KB, source="ST, DS12110 (the AXI SRAM)"),
    Board("pico", "Raspberry Pi Pico (RP2040)", "cortex-m0plus", 133, 2048 * KB, 264 * KB, source="RP2040 data sheet"),
    Board("pico2", "Raspberry Pi Pico 2 (RP2350)", "cortex-m33", 150, 4096 * KB, 520 * KB,
          source="RP2350 data sheet"),
    Board("ensemble-e3", "Alif Ensemble E3 (high-efficiency core)", "cortex-m55", 160, 5632 * KB, 1024 * KB,
          source="Alif Semiconductor, Ensemble E3 product brief (5.5 MB of MRAM)"),
)  # fmt: skip
BOARDS = {board.name: board for board in _BOARDS}
