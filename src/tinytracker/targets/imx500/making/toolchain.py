"""Sony's tools and their traps, all in this one place.

- model-compression-toolkit (MCT) imports torchvision. Where that was built for another torch (PyPI's beside a
  CPU build) its operators do not load and importing it fails; declaring two of them, which nothing here
  calls, is enough.
- MCT exports by `torch.onnx.export` and knows only its older way, which torch >= 2.9 no longer takes by
  itself.
- The converter is Java behind a shell script; its errors come as log lines, its progress too.
- Both print and warn a lot.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tinytracker.errors import MissingExtraError, TargetError
from tinytracker.extras import need
from tinytracker.progress import Progress, no_progress
from tinytracker.quiet import silence

EXTRA = "imx500"
PACKAGES = ("model_compression_toolkit", "mct_quantizers", "imx500_converter", "torchvision")
OLDEST_JAVA = 17
INSTALL_JAVA = (
    f"Sony's converter needs Java {OLDEST_JAVA}; on Debian or Ubuntu run: apt install openjdk-17-jre-headless"
)
# torchvision's own declarations of these need them defined; the real ones are in the part that does not load.
TORCHVISION_OPERATORS = ("nms", "qnms")
# What the converter logs when a stage is done, in this order (imx500-converter 3.19.2).
STAGES = (
    "Converting ",
    "Converted successfully",
    "Starting SDSPconv",
    "ConvFe conversion finished",
    "DspConvParser finished conversion",
    "Converter Backend successfully completed",
    "packer zip successfully generated",
    "Output is in",
)
MESSAGES_SHOWN = 3


def require() -> None:
    """Raises MissingExtraError or TargetError, saying what to install, unless quantiser, converter and
    Java are there."""
    for package in PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError(package, EXTRA)
    require_java()


def require_java() -> None:
    """Raises TargetError, saying what to install, unless there is a Java that the converter can use."""
    home = os.environ.get("JAVA_HOME", "")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        raise TargetError(f"there is no java on PATH. {INSTALL_JAVA}")
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TargetError(
            f"{java} does not run ({error}). {INSTALL_JAVA}, and see that JAVA_HOME names it"
        ) from error
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise TargetError(f"{java} is Java {found[1] if found else 'of no known version'}. {INSTALL_JAVA}")


def versions() -> dict[str, str]:
    """The versions of Sony's packages, for a card."""
    found = {}
    for name in ("model-compression-toolkit", "imx500-converter"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def import_mct() -> Any:
    """The module model_compression_toolkit; 3 s the first time. Raises MissingExtraError without it."""
    with silence():
        _make_torchvision_importable()
        need(PACKAGES[0], EXTRA)
        import model_compression_toolkit
    return model_compression_toolkit


_declared: list[Any] = []  # torch forgets the operators when the library object goes


def _make_torchvision_importable() -> None:
    import torch

    try:
        import torchvision
    except ImportError as error:
        raise MissingExtraError("torchvision", EXTRA) from error
    except RuntimeError:  # "operator torchvision::nms does not exist"
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in TORCHVISION_OPERATORS:
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(library)
        import torchvision  # noqa: F401


@contextmanager
def onnx_by_tracing() -> Iterator[None]:
    """Has `torch.onnx.export` trace the network, the older way, whoever calls it."""
    import torch

    export = torch.onnx.export
    torch.onnx.export = functools.partial(export, dynamo=False)
    try:
        yield
    finally:
        torch.onnx.export = export


def convert(onnx: Path, folder: Path, progress: Progress = no_progress) -> None:
    """Runs Sony's converter on a quantised .onnx: folder/packerOut.zip, dnnParams.xml, NAME_MemoryReport.json
    (in bytes).

    Takes about half a minute of a core. The whole input tensor stays on the chip only while it is needed
    (--no-input-persistency), which leaves room for the maps. Ctrl-C ends the converter too. Raises
    TargetError with the converter's own words if it fails.
    """
    arguments = [
        "-i",
        str(onnx),
        "-o",
        str(folder),
        "--overwrite-output",
        "--no-input-persistency",
        "--report-size-unit",
        "B",
    ]
    command = [
        sys.executable,
        "-c",
        "import sys; from imx500_converter.main_pt import main; sys.exit(main())",
        *arguments,
    ]
    # The converter finds its parts beside the interpreter: a virtual environment that is not activated is not
    # on PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    lines: list[str] = []
    done = 0
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | {"PATH": path},
        start_new_session=True,  # so that Java, two processes down, can be ended with it
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                if done < len(STAGES) and STAGES[done] in line:
                    done += 1
                    progress(done, len(STAGES))
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if code or not (folder / "packerOut.zip").is_file():
        raise TargetError(f"Sony's converter could not convert {onnx.name}: {_reason(lines)}")
    progress(len(STAGES), len(STAGES))


def _reason(lines: list[str]) -> str:
    """The converter's error lines without time stamps, each once; else the last line it wrote."""
    errors = [
        re.sub(r"^[\d\-:., ]+(?:ERROR|FATAL)\s*:\s*", "", line)
        for line in lines
        if re.search(r"\b(?:ERROR|FATAL)\b", line)
    ]
    said = list(dict.fromkeys(errors)) or [line for line in lines if line.strip()][-1:] or ["it said nothing"]
    return "; ".join(said[:MESSAGES_SHOWN]) + "; run `tinytracker lint --target imx500` on the checkpoint"
