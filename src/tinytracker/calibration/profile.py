"""A calibration in a file: JSON, versioned, written aside, read strictly; never pickled, no pictures in it.

The file names what it holds for: the network by its SHA-256, the screen, the camera. For another network it
is refused; where screen or camera differ it is stale, which the commands say (and refuse with --strict).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tinytracker.calibration.check import Check
from tinytracker.calibration.conditions import Conditions, NetworkUsed
from tinytracker.calibration.dots import DotSummary
from tinytracker.calibration.drift import Recentring
from tinytracker.calibration.posterior import Posterior
from tinytracker.calibration.prior import COEFFICIENTS, Prior
from tinytracker.calibration.strict import Malformed, decode, read_json
from tinytracker.errors import CalibrationError, ModelError
from tinytracker.files import write_text

FORMAT = "tinytracker calibration"
VERSION = 2
ID_DIGITS = 12

_BESIDE = ("format", "version", "id", "prior", "another_sitting")
"""What stands in a file beside what is decoded at once."""
_MOST_SHIFT = 1e3  # coefficients beyond this are no person's
RANGES: dict[str, tuple[float, float]] = {
    "target_deg": (-89.0, 89.0),
    "raw_deg": (-89.0, 89.0),
    "distance_cm": (1.0, 1000.0),
    "frames": (1, 1e7),
    "valid_share": (0.0, 1.0),
    "spread_deg": (0.0, 180.0),
    "weights": (0.0, 10.0),
    "t_ns": (-(2.0**63), 2.0**63),
    "width_cm": (1.0, 1000.0),
    "height_cm": (1.0, 1000.0),
    "width_px": (1, 1e5),
    "height_px": (1, 1e5),
    "fov_deg": (10.0, 150.0),
    "scale": (0.1, 20.0),
    "error_deg": (0.0, 180.0),
    "uncalibrated_deg": (0.0, 180.0),
    "centre_deg": (0.0, 180.0),
    "error_cm": (0.0, 1e5),
    "uncalibrated_cm": (0.0, 1e5),
    "px_per_cm": (0.1, 1e4),
    "deg": (0.0, 180.0),
    "low_deg": (0.0, 180.0),
    "high_deg": (0.0, 1000.0),
    "usual_log": (-20.0, 20.0),
    "another_sitting": (0.0, 1.0),
    "surprise": (0.0, 1e6),
    "mean": (-_MOST_SHIFT, _MOST_SHIFT),
    "covariance": (-1e6, 1e6),
}

Row = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _StoredPosterior:
    mean: tuple[Row, Row]
    covariance: tuple[tuple[Row, Row, Row], tuple[Row, Row, Row]]


@dataclass(frozen=True, slots=True)
class _StoredRecentring:
    dot: DotSummary
    posterior: _StoredPosterior
    moved_deg: tuple[float, float]
    surprise: float


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a file holds beside its format, version, id and prior."""

    created: str
    conditions: Conditions
    fitted: _StoredPosterior
    dots: tuple[DotSummary, ...]
    weights: tuple[float, ...]
    recentrings: tuple[_StoredRecentring, ...]
    validation: Check | None


class Saved(Protocol):
    """What of a calibration is in its file; `calibration.Calibration` has all of it."""

    @property
    def fitted(self) -> Posterior: ...

    @property
    def prior(self) -> Prior: ...

    @property
    def dots(self) -> tuple[DotSummary, ...]: ...

    @property
    def weights(self) -> tuple[float, ...]: ...

    @property
    def conditions(self) -> Conditions: ...

    @property
    def created(self) -> str: ...

    @property
    def recentrings(self) -> tuple[Recentring, ...]: ...

    @property
    def validation(self) -> Check | None: ...

    @property
    def another_sitting(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Content:
    """What `read_profile` found in a file: the arguments of a `calibration.Calibration`."""

    fitted: Posterior
    prior: Prior
    dots: tuple[DotSummary, ...]
    weights: tuple[float, ...]
    conditions: Conditions
    created: str
    recentrings: tuple[Recentring, ...]
    validation: Check | None
    another_sitting: float


def profile_json(calibration: Saved) -> dict[str, Any]:
    """A calibration as JSON's objects and lists, with its format, version and id.

    How it is used, `another_sitting`, stands beside its content: the id is that of the profile either way.
    """
    content = _content(calibration)
    carried = {"another_sitting": calibration.another_sitting} if calibration.another_sitting else {}
    return {"format": FORMAT, "version": VERSION, "id": _id_of(content), **content, **carried}


def content_id(calibration: Saved) -> str:
    """The first hexadecimal digits of the SHA-256 of a calibration's content."""
    return _id_of(_content(calibration))


def write_profile(calibration: Saved, path: Path) -> None:
    """Writes a profile, whole or not at all; raises OutputError."""
    write_text(path, json.dumps(profile_json(calibration), indent=2, allow_nan=False) + "\n")


def read_profile(path: Path) -> Content:
    """Reads a profile; raises CalibrationError, naming the file and what is wrong with it."""
    try:
        return parse_profile(read_json(path))
    except OSError as error:
        raise CalibrationError(
            f"cannot read {path}: {error.strerror}; expected a calibration's JSON"
        ) from error
    except Malformed as error:
        wanted = "expected what `tinytracker calibrate` or `tinytracker live` writes"
        raise CalibrationError(f"{path} is not a calibration: {error}; {wanted}") from error


def parse_profile(stored: Any) -> Content:
    """The inverse of `profile_json`; raises Malformed."""
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise Malformed(f'"format" is not "{FORMAT}"')
    if type(stored.get("version")) is not int or stored["version"] != VERSION:
        raise Malformed(f"its version is {stored.get('version')!r}, this tinytracker reads {VERSION}")
    rest = {name: value for name, value in stored.items() if name not in _BESIDE}
    if isinstance(rest.get("validation"), dict):  # it is newer than the format's version
        rest["validation"] = {"usual_log": None, **rest["validation"]}
    content: _Stored = decode(_Stored, rest, RANGES)
    prior = _parse_prior(stored.get("prior"))
    if not content.dots or len(content.dots) != len(content.weights):
        raise Malformed(f"it has {len(content.dots)} dots and {len(content.weights)} weights")
    calibration = Content(
        fitted=_posterior(content.fitted, "fitted"),
        prior=prior,
        dots=content.dots,
        weights=content.weights,
        conditions=content.conditions,
        created=content.created,
        recentrings=tuple(
            Recentring(step.dot, _posterior(step.posterior, "recentrings"), step.moved_deg, step.surprise)
            for step in content.recentrings
        ),
        validation=content.validation,
        another_sitting=decode(float, stored.get("another_sitting", 0.0), RANGES, "another_sitting"),
    )
    if stored.get("id") != content_id(calibration):
        raise Malformed("its id does not fit its content, so it was changed or cut; calibrate again")
    return calibration


def refuse_other_network(calibration: Saved, network: NetworkUsed, source: str = "the calibration") -> None:
    """Raises CalibrationError if it was made with another network: its numbers correct that one's errors."""
    made_with = calibration.conditions.network
    if made_with is not None and made_with.sha256 != network.sha256:
        raise CalibrationError(
            f"{source} was made with {made_with.name} (sha256 {made_with.sha256[:12]}...), but gaze comes "
            f"from {network.name} "
            f"({network.sha256[:12]}...); calibrate again with this network, or use that one"
        )


def _content(calibration: Saved) -> dict[str, Any]:
    """All but format, version and id, as JSON gives it back: lists for tuples."""
    content = _Stored(
        created=calibration.created,
        conditions=calibration.conditions,
        fitted=_stored(calibration.fitted),
        dots=calibration.dots,
        weights=calibration.weights,
        recentrings=tuple(
            _StoredRecentring(step.dot, _stored(step.posterior), step.moved_deg, step.surprise)
            for step in calibration.recentrings
        ),
        validation=calibration.validation,
    )
    found = asdict(content)
    if content.validation is not None and content.validation.usual_log is None:
        del found["validation"]["usual_log"]  # as it was in the file, for its id
    return {**found, "prior": calibration.prior.as_json()}


def _id_of(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:ID_DIGITS]


def _stored(posterior: Posterior) -> _StoredPosterior:
    return _StoredPosterior(posterior.mean.tolist(), posterior.covariance.tolist())


def _posterior(stored: _StoredPosterior, where: str) -> Posterior:
    mean, covariance = np.array(stored.mean), np.array(stored.covariance)
    for axis in range(2):
        matrix = covariance[axis]
        if not np.allclose(matrix, matrix.T, atol=1e-9) or np.linalg.eigvalsh(matrix).min() <= 0:
            raise Malformed(f"{where}.covariance must be symmetric and positive definite")
    assert mean.shape == (2, COEFFICIENTS)
    return Posterior(mean, covariance)


def _parse_prior(stored: Any) -> Prior:
    if not isinstance(stored, dict):
        raise Malformed("prior is missing")
    try:
        return Prior.from_json(stored)
    except ModelError as error:
        raise Malformed(str(error)) from error
