"""A meter's serial port; what fails on it is told in the meter's name."""

from __future__ import annotations

from tinytracker.errors import DeviceError
from tinytracker.link.link import open_port


class MeterPort:
    """Opens the port; meter: what messages call it. Raises DeviceError, here as later."""

    def __init__(self, meter: str, url: str, baud: int = 115200) -> None:
        self._where = f"the {meter} at {url}"
        self._port = open_port(url, baud)

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except OSError as error:
            raise DeviceError(f"{self._where} takes no bytes ({error}); was it unplugged?") from error

    def read(self) -> bytes:
        """What has come; waits a moment where nothing has."""
        try:
            return self._port.read(max(1, self._port.in_waiting))
        except OSError as error:
            raise DeviceError(f"{self._where} cannot be read ({error}); was it unplugged?") from error

    def close(self) -> None:
        self._port.close()
