"""The demo's first start: the renderer is compiled while the browser opens, and both page and terminal say
how long that takes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from tinytracker.devices import sized_device
from tinytracker.errors import TinytrackerError
from tinytracker.progress import Progress

TOLD_EVERY_S = 0.5
_log = logging.getLogger(__name__)


class Preparing:
    """Renders one picture that nobody sees, as soon as it is made; `wait` returns when it is done.

    tell: how pages are told ({"type": "preparing", "share": 0 to 1, "left_s"}; share 1 is the last one).
    progress: how the terminal is told, in hundredths. Nothing is told where all is compiled already.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], None], progress: Progress) -> None:
        self._tell, self._progress = tell, progress
        self._thread = threading.Thread(target=self._prepare, name="preparing", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        self._thread.join()

    def _prepare(self) -> None:
        try:
            from tinytracker.synthetic.compiling import watch_compiling
        except TinytrackerError:
            return  # an extra is missing: whoever renders in earnest says so
        rendering = threading.Thread(target=_render_once, name="rendering once", daemon=True)
        with watch_compiling() as watch:
            rendering.start()
            while rendering.is_alive():
                rendering.join(TOLD_EVERY_S)
                if watch.has_begun and rendering.is_alive():
                    self._say(watch.share, watch.left_s)
        if watch.has_begun:
            self._say(1.0, 0.0)

    def _say(self, share: float, left_s: float) -> None:
        self._tell({"type": "preparing", "share": round(share, 3), "left_s": round(left_s)})
        self._progress(round(100 * share), 100)


def _render_once() -> None:
    from tinytracker.synthetic.sitter import Sitter

    try:
        Sitter(sized_device("laptop", 34.5, 19.4)).at(0.0)
    except Exception:  # whoever renders in earnest meets it again, and says it
        _log.exception("the first picture was not rendered")
