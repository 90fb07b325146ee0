"""The Coral board's project in a tree such as Google's: its root enables C and C++ alone, and adds each
example's folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinytracker.cli.app import run
from tinytracker.compiler.cpu import CPUS

TOOLS = ("cmake", "arm-none-eabi-g++", "make")
# The order of google-coral/coralmicro: a toolchain file, project(... C CXX), the function, the examples. The
# function makes a library of an app's C and assembly here, so that neither the board's system nor a C++
# library need be there to link with;
# the app itself is compiled in test_projects.py.
TOOLCHAIN = """
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
"""
ROOT = """
cmake_minimum_required(VERSION 3.13)
project(coralmicro C CXX)
add_compile_options(@FLAGS@)
function(add_executable_m7 name)
    cmake_parse_arguments(APP "" "" "DATA" ${ARGN})
    list(FILTER APP_UNPARSED_ARGUMENTS EXCLUDE REGEX "[.]cc$")
    add_library(${name} STATIC ${APP_UNPARSED_ARGUMENTS})
endfunction()
add_library(libs_base-m7_freertos INTERFACE)
add_subdirectory(examples/tinytracker)
"""


@pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"{', '.join(TOOLS)} are not all there"
)
@pytest.mark.parametrize("model", ["tinytracker-s", "tinytracker-eyes"])
def test_the_project_builds_where_assembly_was_not_enabled(model: str, tmp_path: Path) -> None:
    assert run(["export", model, "--target", "coralmicro", "--out", str(tmp_path / "examples")]) == 0
    assert (tmp_path / "examples" / "tinytracker" / "gaze_model.S").exists()
    text = ROOT.replace("@FLAGS@", " ".join(CPUS["cortex-m7"].gcc))
    (tmp_path / "CMakeLists.txt").write_text(text)
    (tmp_path / "toolchain.cmake").write_text(TOOLCHAIN)
    tree, build = str(tmp_path), str(tmp_path / "build")
    configure = ["cmake", "-S", tree, "-B", build, f"-DCMAKE_TOOLCHAIN_FILE={tree}/toolchain.cmake"]
    for command in (configure, ["cmake", "--build", build]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    listed = subprocess.run(
        ["arm-none-eabi-ar", "t", *map(str, Path(build).rglob("*.a"))], capture_output=True, text=True
    )
    assert "gaze_model.S.obj" in listed.stdout or "gaze_model.S.o" in listed.stdout
