"""The camera's side: curves rise, blur and coarse sensors lose detail, noise is as strong as asked,
pictures keep their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinytracker.domain import Box
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.develop import Exposure, Sensor, develop, draw_tone_curve

FRAME = Box(0, 0, 64, 64)
LINEAR = np.minimum(255 * 8 * (np.arange(4097) / 4096) ** 2 + 0.5, 255).astype(np.uint8)
PLAIN = Sensor(0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 0.0, 90, LINEAR)
EVEN = Exposure(np.ones(3))


def photograph(
    light: np.ndarray, sensor: Sensor, exposure: Exposure = EVEN, region: Box = FRAME, seed: int = 1
) -> np.ndarray:
    return develop(light.astype(np.float32), region, (64, 64), sensor, exposure, seed)


def edges() -> np.ndarray:
    """Stripes of single pixels, half of full light on average."""
    return np.repeat(np.tile([0.2, 0.8], 32)[None, :, None], 64, 0) * np.ones(3)


@pytest.mark.parametrize("seed", range(30))
def test_tone_curves_rise_from_dark_to_bright(seed: int) -> None:
    curve = draw_tone_curve(np.random.default_rng(seed)).astype(int)
    assert (np.diff(curve) >= 0).all()
    assert curve[0] < 20
    assert curve[-1] > 235
    middle = curve[int(np.sqrt(0.2 / 8) * 4096)]
    assert 70 < middle < 200


def test_tone_curves_differ() -> None:
    middles = [
        draw_tone_curve(np.random.default_rng(seed))[int(np.sqrt(0.2 / 8) * 4096)] for seed in range(30)
    ]
    assert np.std(middles) > 10


def test_plain_sensor_copies_light() -> None:
    light = np.random.default_rng(0).uniform(0, 0.9, (64, 64, 3))
    assert np.abs(photograph(light, PLAIN) - 255 * light).max() < 2


def test_gain_and_white_balance_scale_channels() -> None:
    image = photograph(np.full((64, 64, 3), 0.2), PLAIN, Exposure(np.array([1.0, 2.0, 3.0])))
    np.testing.assert_allclose(image[32, 32], [51, 102, 153], atol=2)


def test_blur_and_coarse_sensors_lose_detail_but_no_light() -> None:
    sharp = photograph(edges(), PLAIN).astype(float)
    for sensor in (replace(PLAIN, blur_px=1.0), replace(PLAIN, resolution=2.0)):
        soft = photograph(edges(), sensor).astype(float)
        assert soft.std() < 0.3 * sharp.std()
        assert soft.mean() == pytest.approx(sharp.mean(), abs=2)


def test_sharpening_exaggerates_edges() -> None:
    light = np.full((64, 64, 3), 0.3)
    light[:, 32:] = 0.6
    image = photograph(light, replace(PLAIN, sharpening=1.0)).astype(int)
    assert image[32, 31, 0] < 0.3 * 255 - 5
    assert image[32, 32, 0] > 0.6 * 255 + 5


def test_noise_is_as_strong_as_asked_and_repeatable() -> None:
    grey, sensor = np.full((64, 64, 3), 0.5), replace(PLAIN, shot=0.002)
    image = photograph(grey, sensor)
    assert image.std(axis=(0, 1)) / 255 == pytest.approx(np.sqrt(0.002 * 0.5), rel=0.15)
    np.testing.assert_array_equal(image, photograph(grey, sensor))
    assert (image != photograph(grey, sensor, seed=2)).mean() > 0.5


def test_shrinking_averages_noise_away() -> None:
    sensor = replace(PLAIN, shot=0.002)
    half = develop(np.full((32, 32, 3), 0.5, np.float32), FRAME, (64, 64), sensor, EVEN, 1)
    assert half.std() / 255 == pytest.approx(np.sqrt(0.002 * 0.5) / 2, rel=0.2)


def test_vignetting_darkens_corners_of_the_frame_not_of_the_crop() -> None:
    sensor = replace(PLAIN, vignetting=0.4)
    whole = photograph(np.full((64, 64, 3), 0.5), sensor).astype(int)
    assert whole[0, 0, 0] < 0.65 * whole[32, 32, 0]
    corner = photograph(np.full((16, 16, 3), 0.5), sensor, region=Box(0, 0, 16, 16)).astype(int)
    np.testing.assert_allclose(corner[..., 0], whole[:16, :16, 0], atol=1)


def test_camera_projects_and_looks_back() -> None:
    camera = Camera(590.0, 240.0, 320.0, 480, 640)
    np.testing.assert_allclose(
        camera.project(np.array([[0, 0, -30.0], [3, 0, -30], [0, 3, -30]])),
        [[240, 320], [299, 320], [240, 261]],
    )
    points = np.random.default_rng(0).uniform([-10, -10, -60], [10, 10, -20], (50, 3))
    rays = camera.ray(camera.project(points))
    np.testing.assert_allclose(rays, points / np.linalg.norm(points, axis=1, keepdims=True), atol=1e-12)
