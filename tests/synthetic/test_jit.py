"""Compiled kernels never outlive the sources of what they call."""

from __future__ import annotations

from pathlib import Path

from tinytracker.synthetic.jit import drop_stale_kernels


def test_indices_go_when_any_kernel_source_changes(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text("from jit import njit")
    (tmp_path / "called.py").write_text("from jit import njit  # 1")
    (tmp_path / "plain.py").write_text("")
    index = tmp_path / "__pycache__" / "caller.f-1.py311.nbi"
    assert drop_stale_kernels(tmp_path)
    index.write_text("compiled")
    (tmp_path / "plain.py").write_text("changed = True")
    assert not drop_stale_kernels(tmp_path)
    assert index.exists()
    (tmp_path / "called.py").write_text("from jit import njit  # 2")
    assert drop_stale_kernels(tmp_path)
    assert not index.exists()
    assert not drop_stale_kernels(tmp_path)
