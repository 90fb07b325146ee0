"""Everything that we call of picamera2 exists in its source, with the parameters that we pass.

picamera2 needs libcamera and cannot be imported here; its source can be read. It is fetched from the package
index without its dependencies, once (or taken from PICAMERA2_SOURCE), and parsed, never imported.
"""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinytracker.targets.imx500.chip import metadata, sensor
from tinytracker.targets.imx500.running import camera, inject

PINNED = "picamera2==0.3.38"


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `picamera2` of the package."""
    given = os.environ.get("PICAMERA2_SOURCE")
    if given:
        return Path(given)
    target = tmp_path_factory.mktemp("picamera2")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--target",
    ]
    answer = subprocess.run([*command, str(target), PINNED], capture_output=True, text=True)
    if answer.returncode:
        pytest.skip(f"{PINNED} cannot be fetched: {answer.stderr.strip().splitlines()[-1:]}")
    return target / "picamera2"


def module(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def class_named(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)


def methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """By name; of overloads the last, which is the one that runs."""
    return {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}


def parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    is_static = any(
        isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in function.decorator_list
    )
    return names if is_static else names[1:]


@pytest.fixture(scope="session")
def imx500(source: Path) -> ast.ClassDef:
    return class_named(module(source / "devices" / "imx500" / "imx500.py"), "IMX500")


@pytest.fixture(scope="session")
def picamera2(source: Path) -> ast.ClassDef:
    return class_named(module(source / "picamera2.py"), "Picamera2")


@pytest.fixture(scope="session")
def request_class(source: Path) -> ast.ClassDef:
    return class_named(module(source / "request.py"), "CompletedRequest")


def used(protocol: type) -> dict[str, list[str]]:
    """A protocol's members: parameters of methods; properties have none."""
    found = {}
    for name, value in vars(protocol).items():
        if name.startswith("_"):
            continue
        if isinstance(value, property):
            found[name] = []
        elif inspect.isfunction(value):
            found[name] = list(inspect.signature(value).parameters)[1:]
    return found


@pytest.mark.parametrize(
    ("protocol", "fixture"),
    [(camera.Chip, "imx500"), (camera.Camera, "picamera2"), (camera.Request, "request_class")],
)
def test_every_method_and_parameter_exists(
    protocol: type, fixture: str, request: pytest.FixtureRequest
) -> None:
    theirs = methods(request.getfixturevalue(fixture))
    ours = used(protocol)
    assert ours
    for name, wanted in ours.items():
        assert name in theirs, f"picamera2 has no {fixture}.{name}"
        missing = [parameter for parameter in wanted if parameter not in parameters(theirs[name])]
        assert not missing, f"{fixture}.{name} has {parameters(theirs[name])}, not {missing}"


def test_properties_are_properties(imx500: ast.ClassDef) -> None:
    for name in ("camera_num", "config"):
        marks = [mark.id for mark in methods(imx500)[name].decorator_list if isinstance(mark, ast.Name)]
        assert marks == ["property"]


def test_how_chip_and_camera_are_made(imx500: ast.ClassDef, picamera2: ast.ClassDef, source: Path) -> None:
    assert parameters(methods(imx500)["__init__"]) == ["network_file", "camera_id", "tensor_injection"]
    assert parameters(methods(picamera2)["__init__"])[0] == "camera_num"
    assert "IMX500" in {
        alias.name
        for node in module(source / "devices" / "__init__.py").body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    exported = {
        alias.name
        for node in ast.walk(module(source / "__init__.py"))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {"Picamera2", "Platform", "get_platform"} <= exported


def test_the_code_makes_no_other_call() -> None:
    """What the sources of ours do with chip, camera and request is what the protocols say."""
    names = {"chip": camera.Chip, "_chip": camera.Chip, "_camera": camera.Camera, "request": camera.Request}
    for module_ in (camera, inject):
        for node in ast.walk(ast.parse(inspect.getsource(module_))):
            if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute)):
                continue
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if owner in names:
                assert node.attr in used(names[owner]), (
                    f"{module_.__name__}: {owner}.{node.attr} is in no protocol"
                )


def test_injection_goes_through_a_private_method(imx500: ast.ClassDef) -> None:
    """There is no public one; picamera2's own example reaches for it as we do. Its errors carry the
    driver's as their cause."""
    theirs = methods(imx500)
    private = inject.SET_INPUT_TENSOR.removeprefix("_IMX500")
    assert parameters(theirs[private]) == ["input_tensor_fd"]
    assert parameters(theirs[inject.COMPARE_FRAME]) == []
    raises = [node for node in ast.walk(theirs[private]) if isinstance(node, ast.Raise)]
    assert [
        (ast.unparse(node.exc).startswith("RuntimeError"), ast.unparse(node.cause)) for node in raises
    ] == [(True, "err")]  # type: ignore[arg-type]


def test_configuration_keys(picamera2: ast.ClassDef) -> None:
    """A stream may have size and format; waiting takes a number of seconds and ends in TimeoutError."""
    text = ast.unparse(methods(picamera2)["_make_initial_stream_config"])
    assert "'format', 'size'" in text
    waiting = ast.unparse(methods(picamera2)["dispatch_functions"])
    assert "get_result(timeout=timeout)" in waiting


def test_metadata_layout(source: Path) -> None:
    """The struct of CnnOutputTensorInfo, field by field, and its length."""
    tree = module(source / "devices" / "imx500" / "imx500.py")
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert constants["NETWORK_NAME_LEN"] == metadata.NAME_BYTES
    assert constants["MAX_NUM_TENSORS"] == metadata.MAX_TENSORS
    assert constants["MAX_NUM_DIMENSIONS"] == metadata.MAX_DIMENSIONS
    fields = {
        name: ast.unparse(
            next(node.value for node in class_named(tree, name).body if isinstance(node, ast.Assign))
        )
        for name in ("OutputTensorInfo", "CnnOutputTensorInfoExported")
    }
    assert fields["OutputTensorInfo"] == (
        "[('tensor_data_num', ctypes.c_uint32), ('num_dimensions', ctypes.c_uint32), "
        "('size', ctypes.c_uint16 * MAX_NUM_DIMENSIONS)]"
    )
    assert fields["CnnOutputTensorInfoExported"] == (
        "[('network_name', ctypes.c_char * NETWORK_NAME_LEN), ('num_tensors', ctypes.c_uint32), "
        "('info', OutputTensorInfo * MAX_NUM_TENSORS), ('frameCount', ctypes.c_uint8)]"
    )


def test_sensor_size(imx500: ast.ClassDef) -> None:
    text = ast.unparse(methods(imx500)["_IMX500__get_full_sensor_resolution".removeprefix("_IMX500")])
    assert f"Rectangle(0, 0, {sensor.WIDTH_PX}, {sensor.HEIGHT_PX})" in text


def test_outputs_are_column_major(imx500: ast.ClassDef) -> None:
    """As the simulated chip hands them out."""
    assert "order='F'" in ast.unparse(methods(imx500)["get_outputs"])


def test_register_arithmetic(imx500: ast.ClassDef) -> None:
    """Shifts, signs and which register is which plane's, as `isp.registers_of` has them."""
    text = ast.unparse(methods(imx500)["__ni_from_network"])
    for fragment in (
        "['norm_shift'] = norm_shift",
        "norm_shift = [4, 4, 4]",
        "['div_shift'] = 6",
        "dtype = 'unsigned' if inputTensorNorm_K03 >> 12 & 1 == 0 else 'signed'",
        "norm_val_2 = inputTensorNorm_K23 if inputTensorNorm_K23 >> 12 & 1 == 0 else -(~inputTensorNorm_K23 "
        "+ 1 & 8191)",
        "div_val_0 = inputTensorNorm_K02 if inputTensorNorm_K02 >> 11 & 1 == 0 else -(~inputTensorNorm_K02 "
        "+ 1 & 4095)",
    ):
        assert fragment in text, fragment
