"""Arduino Nano 33 BLE."""

from __future__ import annotations

from tinytracker.targets.mcu.board import KB, Board

BOARD = Board(
    name="nano33ble",
    title="Arduino Nano 33 BLE (nRF52840)",
    cpu="cortex-m4",
    clock_mhz=64,
    flash_bytes=1024 * KB,
    ram_bytes=256 * KB,
    source="Nordic, nRF52840 product specification",
)
