"""ICT-FaceKit: both forms are read, wrong files are refused in one line, and heads made of it have sound
eyes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.synthetic.assets import ict_model
from tinytracker.errors import InputError, UsageError
from tinytracker.synthetic import ict
from tinytracker.synthetic.person import Person

VERTICES = 26719


def _write_obj(path: Path, shift: float, vertices: int = VERTICES) -> None:
    lines = [f"v {shift} 0 {i % 7}" for i in range(vertices)]
    path.write_text("\n".join([*lines, "vt 0 0", "f 1/1 2/1 3/1 4/1", "f 5/1 6/1 7/1"]) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FaceXModel folder whose shapes move every vertex along X by a known length."""
    root = tmp_path_factory.mktemp("checkout") / "FaceXModel"
    root.mkdir()
    _write_obj(root / "generic_neutral_mesh.obj", 1.0)
    for k in range(2):
        _write_obj(root / f"identity{k:03d}.obj", 2.0 + k)
    for name in ict.SHAPES:
        _write_obj(root / f"{name}.obj", 1.5)
    return root


@pytest.fixture(scope="module")
def model(folder: Path) -> ict.IctModel:
    return ict.load(folder)


def test_reads_a_folder_of_obj_files(model: ict.IctModel) -> None:
    assert model.neutral_cm.shape == (VERTICES, 3)
    assert model.quads.tolist() == [[0, 1, 2, 3], [4, 5, 6, -1]]
    assert model.identity.shape == (2, VERTICES, 3)
    assert (model.identity[1][:, 0] == 2.0).all()
    assert (model.expressions["jawOpen"][:, 0] == 0.5).all()


def test_finds_the_folder_in_a_checkout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ict, "_load_folder", lambda found: found)
    assert ict.load(folder.parent) == folder


def test_reads_the_packed_form(model: ict.IctModel, tmp_path: Path) -> None:
    packed = tmp_path / "ict_facekit.npz"
    np.savez(
        packed,
        vertices_neutral=model.neutral_cm,
        quads=model.quads,
        identity=model.identity,
        expression=np.stack(list(model.expressions.values())),
        expression_names=np.array(list(model.expressions)),
    )
    again = ict.load(packed)
    assert (again.neutral_cm == model.neutral_cm).all()
    assert all((again.expressions[n] == model.expressions[n]).all() for n in ict.SHAPES)


def test_wrong_files_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        ict.load(tmp_path / "nothing.npz")
    with pytest.raises(InputError, match=r"generic_neutral_mesh\.obj"):
        ict.load(tmp_path)
    text = tmp_path / "text.npz"
    text.write_text("not an archive")
    with pytest.raises(InputError, match="cannot read it"):
        ict.load(text)
    lacking = tmp_path / "lacking.npz"
    np.savez(lacking, quads=np.zeros((1, 4)))
    with pytest.raises(InputError, match="has no array"):
        ict.load(lacking)
    (tmp_path / "generic_neutral_mesh.obj").write_text("v 0 0 0\nf 1 1 1\n")
    with pytest.raises(InputError, match=r"identity000\.obj"):
        ict.load(tmp_path)
    (tmp_path / "identity000.obj").write_text("v 0 0 zero\n")
    with pytest.raises(InputError, match=r"identity000\.obj.*cannot read it"):
        ict.load(tmp_path)
    _write_obj(tmp_path / "identity000.obj", 0.0, vertices=1)
    for name in ict.SHAPES:
        _write_obj(tmp_path / f"{name}.obj", 0.0, vertices=1)
    with pytest.raises(InputError, match="26719 vertices"):
        ict.load(tmp_path)


def test_heads_need_the_asset() -> None:
    with pytest.raises(UsageError, match="ICT-FaceKit"):
        Person.from_seed(1, "ict")


def test_eyes_of_ict_heads_have_true_size() -> None:
    model = ict_model()
    for seed in range(2):
        person = Person.from_seed(seed, "ict", model)
        left, right = person.mesh.eye_centres_cm
        assert 5.2 < left[0] - right[0] < 7.4
        assert abs(left[0] + right[0]) < 0.3
        forward = person.mesh.chart_cm  # around the eyes the chart is true to scale
        near = (np.abs(person.mesh.vertices_cm[:, :2] - left[:2]) < 0.8).all(1) & (
            person.mesh.vertices_cm[:, 2] > -1
        )
        assert near.sum() > 100
        assert np.abs(forward[near, :2] - person.mesh.vertices_cm[near, :2]).max() < 0.1
