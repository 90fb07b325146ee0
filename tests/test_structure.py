"""The house keeps to docs/design.md: who may import whom, what is never imported early, and how large a
file gets."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import tinytracker

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "tinytracker"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 500

EXTRAS = {"torch", "numba", "pyarrow", "matplotlib", "joblib", "dask", "onnx", "onnxruntime", "tflite_micro",
          "litert_torch",
          "ai_edge_quantizer", "starlette", "uvicorn", "websockets", "pylsl", "safetensors", "lightning_fabric", "tensorboard"}  # fmt: skip  # noqa: E501
RUNTIME = ("faces", "engines", "calibration", "tracking", "released")
RANDOM_ALLOWED = {"default_rng", "Generator", "SeedSequence", "BitGenerator", "PCG64", "Philox"}


def module_of(path: Path) -> str:
    """src/tinytracker/faces/crops.py -> faces.crops; a room's __init__ -> faces; the package's own -> ''."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def imports(body: list[ast.stmt], late: bool) -> Iterator[str]:
    """Absolute names imported in `body`; late=True goes into functions too. Imports for type checkers do
    not count."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif is_type_checking(node) or (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not late
        ):
            continue
        else:
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from imports(
                    [child for child in getattr(node, field, []) if isinstance(child, ast.AST)], late
                )


def table_of_rooms() -> dict[str, set[str]]:
    """Room -> what it may use, from the table in docs/design.md."""
    rooms: dict[str, set[str]] = {}
    text = (ROOT / "docs" / "design.md").read_text()
    for line in text.split("## Rooms")[1].split("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`(\w+)(?:\.py|/)`", cells[0])
        if len(cells) >= 3 and names:
            uses = {use.strip(" `") for use in cells[-1].split(",")} - {"nothing"}
            rooms.update({name: uses for name in names})
    return rooms


ROOMS = table_of_rooms()
FLOOR = {room: number for number, room in enumerate(ROOMS)}
BASE = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}


def table_of_targets() -> list[str]:
    """The parts of targets/ in the order of their floors, from the second table in docs/design.md."""
    text = (ROOT / "docs" / "design.md").read_text()
    lines = text.split("### Inside targets/")[1].split("\n\n")[1].splitlines()
    return [part for line in lines for part in re.findall(r"`([\w.*]+)`", line.split("|")[1])]


PARTS = table_of_targets()


def part_of_targets(module: str) -> str:
    """targets.imx500.chip.isp -> imx500.chip; targets.imx500.target -> *.target: the most telling name of
    the table."""
    name = module.removeprefix("targets").lstrip(".")
    if name.count(".") == 1 and name.endswith(".target"):
        return "*.target"
    return max((part for part in PARTS if f"{name}.".startswith(f"{part}.")), key=len, default="")


def may_use(room: str) -> set[str]:
    """What a room may use: what the table says, what those rooms may use, and the single files above it."""
    above = {other for other in ROOMS if FLOOR[other] < FLOOR[room]}
    if "everything" in ROOMS[room]:
        return above
    seen: set[str] = set()
    waiting = set(ROOMS[room])
    while waiting:
        use = waiting.pop()
        seen.add(use)
        # "faces.crops" lends that one module, not what the rest of the room uses.
        waiting |= set() if "." in use else ROOMS.get(use, set()) - seen
    return seen | (BASE & above if room not in BASE else set())


def used_rooms(path: Path) -> Iterator[tuple[str, str]]:
    """(room, full name) of every import from our package, lazy ones included, and of what tables of names
    ("tinytracker.engines.onnx:OnnxEngine") import when it is asked for."""
    tree = ast.parse(path.read_text())
    for name in (*imports(tree.body, late=True), *named_in_tables(tree)):
        if name.startswith("tinytracker.") and name != "tinytracker.__version__":
            yield name.split(".")[1], name


def named_in_tables(tree: ast.AST) -> Iterator[str]:
    """Modules that strings name as MODULE:THING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = re.fullmatch(r"(tinytracker(?:\.\w+)+):[\w.]+", node.value)
            if match is not None:
                yield match[1]


def test_lazy_imports_and_tables_of_names_are_seen(tmp_path: Path) -> None:
    """Wherever an import hides, the floors' order is asked about it."""
    path = tmp_path / "low.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from tinytracker.tracking import stages\n"
        "def f():\n    try:\n        from tinytracker.web.live import Live\n"
        "    finally:\n        with open('x'):\n            import tinytracker.study.study\n"
        "class A:\n    async def g(self):\n        from tinytracker import zoo\n"
        "TABLE = {'.x': 'tinytracker.cli.app:main'}\n"
    )
    assert {room for room, _ in used_rooms(path)} == {"web", "study", "zoo", "cli"}


def test_table_names_every_room() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders | BASE == set(ROOMS), "the table of rooms in docs/design.md and src/tinytracker differ"


@pytest.mark.parametrize("path", FILES, ids=[module_of(path) or "tinytracker" for path in FILES])
class TestFile:
    def test_imports_only_from_floors_above_in_the_table(self, path: Path) -> None:
        room = module_of(path).partition(".")[0]
        if room in ("", "__main__"):
            return
        for used, name in used_rooms(path):
            assert used in FLOOR, f"{path.relative_to(ROOT)} imports {name}, which the table does not know"
            assert used == room or FLOOR[used] < FLOOR[room], (
                f"{path.relative_to(ROOT)} imports {name}: {used} stands below {room} in docs/design.md's "
                f"table"
            )

    def test_targets_import_only_from_floors_above(self, path: Path) -> None:
        module = module_of(path)
        if not module.startswith("targets."):
            return
        part = part_of_targets(module)
        assert part in PARTS, f"{module} is in no part of the second table in docs/design.md"
        for used, name in used_rooms(path):
            other = part_of_targets(name.removeprefix("tinytracker.")) if used == "targets" else ""
            assert not other or other == part or PARTS.index(other) < PARTS.index(part), (
                f"{path.relative_to(ROOT)} imports {name}: {other} stands below {part} in docs/design.md's "
                f"second table"
            )

    def test_uses_only_rooms_it_may(self, path: Path) -> None:
        room = module_of(path).partition(".")[0]
        if room in ("", "cli", "__main__"):
            return
        allowed = may_use(room)
        for _, name in used_rooms(path):
            used = name.removeprefix("tinytracker.").split(".")
            assert (
                used[0] == room
                or used[0] in allowed
                or ".".join(used[:2]) in allowed
                or any(use.startswith(used[0] + ".") for use in allowed if len(used) == 1)
            ), f"{path.relative_to(ROOT)} imports {name}; {room} may use {', '.join(sorted(allowed))}"

    def test_runtime_imports_no_extra_early(self, path: Path) -> None:
        module = module_of(path)
        if module.partition(".")[0] not in (*RUNTIME, *BASE) and module not in (
            "cli.app",
            "cli.progress",
            "",
        ):
            return
        early = {name.partition(".")[0] for name in imports(ast.parse(path.read_text()).body, late=False)}
        assert not early & EXTRAS

    def test_prints_only_in_the_command_line(self, path: Path) -> None:
        if module_of(path).startswith("cli"):
            return
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not [
            call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"
        ]

    def test_no_global_random_numbers(self, path: Path) -> None:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "numpy.random"):
                assert node.attr in RANDOM_ALLOWED, f"{path.name}:{node.lineno} uses the global generator"
        assert "random" not in set(imports(tree.body, late=True))

    def test_is_short_enough_to_read(self, path: Path) -> None:
        assert len(path.read_text().splitlines()) <= MAX_LINES


def test_runtime_loads_no_extra() -> None:
    """Not only by the text: importing every module of the runtime loads none of them."""
    modules = [
        f"tinytracker.{module_of(path)}" for path in FILES if module_of(path).partition(".")[0] in RUNTIME
    ]
    code = "import importlib, sys\n" + "\n".join(f"importlib.import_module({name!r})" for name in modules)
    code += f"\nprint(sorted({EXTRAS!r} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_public_names() -> None:
    """The names a user may rely on; a change here is a change of the interface. None is loaded before it
    is used."""
    code = (
        "import sys, tinytracker; loaded = [name for name in sys.modules if "
        "name.startswith('tinytracker.')]\n"
        "assert loaded == [], loaded\n"
        "for name in tinytracker.__all__: getattr(tinytracker, name)\n"
        "print(*tinytracker.__all__)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == [
        "__version__", "Box", "Calibration", "CalibrationStage", "Dataset", "Dot", "DotCollector", "Face",
        "FaceTracker", "Frame", "GazeArrays", "GazeModel", "GazePipeline", "GazePoint", "GazeSample",
        "ModelCard", "TinytrackerError", "create_model", "data_quality", "fixations", "list_released",
        "load_recipe", "open_finder", "open_locator",
        "open_source",
    ]  # fmt: skip
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tinytracker.nothing  # noqa: B018


def test_version_is_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert tinytracker.__version__ == project["version"]


def test_released_weights_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (PACKAGE / "released").glob("*.tflite")}
    assert sum(sizes.values()) < 1_500_000, sizes


def test_licence_is_apache() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()


def test_benchmarks_use_the_library_not_the_commands() -> None:
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        used = set(imports(ast.parse(path.read_text()).body, late=True))
        assert not [name for name in used if name.startswith("tinytracker.cli")], path.name


def test_benchmarks_that_use_the_tests_run_as_they_say(tmp_path: Path) -> None:
    """`python benchmarks/NAME.py` has its own folder on the path, and not the one that tests/ lies in."""
    using = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "from tests" in path.read_text()]
    assert using
    for path in using:
        asked = [sys.executable, str(path), "--help"]
        done = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
