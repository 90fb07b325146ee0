"""Compiled kernels never outlive the sources of what they call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytracker import kernel_cache
from tinytracker.kernel_cache import drop_stale_kernels


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


def test_without_any_place_kernels_go_to_a_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a read-only container without a home. /proc cannot be written even by root."""
    monkeypatch.setattr(kernel_cache.tempfile, "gettempdir", lambda: str(tmp_path))
    for name in ("HOME", "XDG_CACHE_HOME", kernel_cache.CACHE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    unwritable = Path("/proc/self/task")
    monkeypatch.setattr(kernel_cache.os, "access", lambda path, mode: not str(path).startswith("/proc"))
    cache = kernel_cache.cache_of_last_resort(unwritable)
    assert cache is not None
    assert cache.parent == tmp_path
    assert cache.stat().st_mode & 0o077 == 0
    assert kernel_cache.cache_of_last_resort(unwritable) == cache
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kernel_cache.cache_of_last_resort(unwritable) is None
