"""The boards QEMU emulates for us, as data: Arm's MPS2 and MPS3 FPGA images.

Sources: QEMU's hw/arm/mps2.c and mps2-tz.c (memory maps, clocks) and Arm's application notes AN385, AN386,
AN500, AN505 and AN547. Flash is what a program is linked to and loaded into; on these boards it is RAM.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinytracker.errors import UsageError

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Machine:
    """One emulated board. cpu: a core of `cpu.CPUS`; qemu: the name that `-M` takes. clock_hz: of SysTick and
    the serial port at address `uart`; uart_irq: its first interrupt, receiving or sending, the other follows.
    flash, ram: origin and bytes."""

    name: str
    cpu: str
    qemu: str
    clock_hz: int
    uart: int
    uart_irq: int
    flash: tuple[int, int]
    ram: tuple[int, int]

    @property
    def instructions_per_tick(self) -> float:
        """At one instruction per nanosecond, QEMU's `-icount shift=0`."""
        return 1e9 / self.clock_hz

    @property
    def memory_script(self) -> str:
        """The linker's MEMORY command."""
        return (
            "MEMORY {\n"
            f"    FLASH (rx) : ORIGIN = {self.flash[0]:#x}, LENGTH = {self.flash[1]:#x}\n"
            f"    RAM (rwx) : ORIGIN = {self.ram[0]:#x}, LENGTH = {self.ram[1]:#x}\n"
            "}\n"
        )

    @property
    def defines(self) -> dict[str, str]:
        """What the C under boards/qemu wants to know."""
        return {
            "BOARD_NAME": f'"{self.name}"',
            "BOARD_CLOCK_HZ": f"{self.clock_hz}U",
            "BOARD_UART": f"{self.uart:#x}U",
            "BOARD_UART_IRQ": f"{self.uart_irq}U",
        }


_LOW_FLASH, _LOW_RAM = (0x0, 4 * MIB), (0x20000000, 4 * MIB)
_MACHINES = (
    # QEMU has no Cortex-M0+ with memory enough. ARMv6-M's instructions are a part of ARMv7-M's: the M3 runs
    # them one for one, and is told to trap the unaligned accesses that it could do and an M0+ could not.
    Machine("qemu-m0plus", "cortex-m0plus", "mps2-an385", 25_000_000, 0x40004000, 0, _LOW_FLASH, _LOW_RAM),
    Machine("qemu-m4", "cortex-m4", "mps2-an386", 25_000_000, 0x40004000, 0, _LOW_FLASH, _LOW_RAM),
    Machine("qemu-m7", "cortex-m7", "mps2-an500", 25_000_000, 0x40004000, 0, _LOW_FLASH, _LOW_RAM),
    Machine(
        "qemu-m33",
        "cortex-m33",
        "mps2-an505",
        20_000_000,
        0x50200000,
        32,
        (0x10000000, 4 * MIB),
        (0x38000000, 2 * MIB),
    ),
    Machine(
        "qemu-m55",
        "cortex-m55",
        "mps3-an547",
        32_000_000,
        0x59303000,
        33,
        (0x0, MIB // 2),
        (0x21000000, 4 * MIB),
    ),
)
MACHINES = {machine.name: machine for machine in _MACHINES}


def find_machine(name: str) -> Machine:
    """A machine by its name, such as "qemu-m4"; raises UsageError for one that is not in the table."""
    if name not in MACHINES:
        raise UsageError(f"there is no emulated board {name!r}; expected one of {', '.join(MACHINES)}")
    return MACHINES[name]
