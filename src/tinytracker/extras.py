"""What is not installed with tinytracker itself: which extra brings which import, and asking for it."""

from __future__ import annotations

from importlib import import_module

from tinytracker.errors import MissingExtraError

# Import -> the extra of pyproject.toml that brings it, the smallest where several do.
EXTRAS = {
    "pyarrow": "data",
    "joblib": "data",
    "numba": "synth",
    "h5py": "events",
    "faery": "events",
    "dask": "dask",
    "distributed": "dask",
    "matplotlib": "plot",
    "onnxruntime": "onnx",
    "mct_quantizers": "imx500",
    "model_compression_toolkit": "imx500",
    "imx500_converter": "imx500",
    "torchvision": "imx500",
    "tflite_micro": "micro",
    "serial": "mcu",
    "starlette": "web",
    "uvicorn": "web",
    "websockets": "web",
    "screeninfo": "web",
    "pylsl": "lsl",
    "smbus2": "meters",
    "pyjls": "meters",
    "joulescope": "joulescope",
    "ethosu": "ethos-u",
    "torch": "train",
    "safetensors": "train",
    "tensorboard": "train",
    "nir": "nir",
    "onnx": "export",
    "litert_torch": "export",
    "ai_edge_quantizer": "export",
}


def need(module: str, extra: str | None = None) -> None:
    """Imports a module that an extra brings; raises MissingExtraError, which says what to install, if it is
    not there.

    extra: what the work at hand needs it for, where that is not the smallest extra that brings it.

        need("joblib", "synth")
        from joblib import Parallel
    """
    try:
        import_module(module)
    except ImportError as error:
        missing = (error.name or module).partition(".")[0]
        raise MissingExtraError(missing, extra or EXTRAS[module.partition(".")[0]]) from error
