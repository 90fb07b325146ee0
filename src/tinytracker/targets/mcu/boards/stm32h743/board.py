"""ST's STM32H743, as on the Nucleo-H743ZI."""

from __future__ import annotations

from tinytracker.targets.mcu.board import KB, Board

BOARD = Board(
    name="stm32h743",
    title="STM32H743",
    cpu="cortex-m7",
    clock_mhz=480,
    flash_bytes=2048 * KB,
    ram_bytes=512 * KB,
    source="ST, DS12110 (the AXI SRAM)",
)
