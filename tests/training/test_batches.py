"""Augmentation moves pixels and labels together: checked against pictures whose content says where it is."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from tests.training.tiny import add_eye_bands, make_dataset
from tinytracker.data.dataset import Dataset
from tinytracker.domain import LANDMARKS, Box
from tinytracker.engines.feed import Feed, read_crops
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import DatasetError
from tinytracker.faces import crops as cropping
from tinytracker.geometry import angles_deg_to_direction, direction_to_angles_deg
from tinytracker.models import create_model
from tinytracker.training import augment
from tinytracker.training.angles import turned_angles
from tinytracker.training.batches import BatchMaker, ahead, batch_positions
from tinytracker.training.recipe import Geometric, Photometric, Recipe
from tinytracker.training.samples import load_samples

CPU = torch.device("cpu")


def maker_for(
    dataset: Dataset, model: str = "tinytracker_eyes", recipe: Recipe | None = None, **options
) -> tuple:
    recipe = recipe or Recipe("r", model, batch_size=8)
    spec = create_model(model, **options).spec
    samples = load_samples(dataset, "train", spec, margin=True)
    return BatchMaker(samples, spec, recipe, seed=5), samples, spec


def test_plain_batches_are_the_stored_crops_and_labels(dataset):
    maker, samples, spec = maker_for(dataset, eye_px=32, face_px=48)
    places = np.array([3, 1, 4])
    batch = maker.plain(places)
    assert np.array_equal(batch.crops["left_eye"], cropping.middle_rows(dataset.left_eyes(places), 16))
    assert np.array_equal(batch.target, samples.gaze_cm[places])
    for row, place in enumerate(places):
        box = Box(*(float(dataset.labels[f"face_{key}_px"][place]) for key in "xywh"))
        expected = cropping.face_box_numbers(box, 480, 640)
        assert np.allclose(batch.inputs(spec, CPU)[3][row], expected, atol=1e-6)


def test_mirrored_batches_are_the_mirrored_person(dataset):
    maker, *_ = maker_for(dataset, eye_px=32, face_px=48)
    places = np.arange(6)
    plain, mirrored = maker.plain(places), maker.plain(places, mirror=True)
    assert np.array_equal(mirrored.crops["face"], plain.crops["face"][:, :, ::-1])
    assert np.array_equal(mirrored.crops["left_eye"], plain.crops["right_eye"][:, :, ::-1])
    assert np.array_equal(mirrored.crops["right_eye"], plain.crops["left_eye"][:, :, ::-1])
    assert np.allclose(mirrored.target, plain.target * [-1, 1])
    assert np.allclose(mirrored.frame_box[:, 0], 1 - plain.frame_box[:, 0] - plain.frame_box[:, 2], atol=1e-6)
    # Angles: left yaw, left pitch, right yaw, right pitch, head yaw, pitch, roll.
    a, b = plain.auxiliary, mirrored.auxiliary
    assert np.allclose(
        b[:, :7], np.stack([-a[:, 2], a[:, 3], -a[:, 0], a[:, 1], -a[:, 4], a[:, 5], -a[:, 6]], 1)
    )
    assert np.allclose(b[:, 19], a[:, 19])
    points, other = a[:, 7:19].reshape(-1, 2, 3, 2), b[:, 7:19].reshape(-1, 2, 3, 2)
    assert np.allclose(other, points[:, ::-1] * [-1, 1], atol=1e-6)


def test_landmarks_change_sides_in_a_mirror():
    dataset, rng = make_dataset(40), np.random.default_rng(4)
    for name in LANDMARKS:
        for axis in "xy":
            dataset.labels[f"truth_{name}_{axis}_px"] = rng.uniform(100, 400, 40)
    maker, samples, _ = maker_for(dataset)
    plain, mirrored = (
        dict(
            zip(
                LANDMARKS,
                maker.plain(np.arange(6), side).auxiliary[:, 20:66].reshape(6, -1, 2).swapaxes(0, 1),
                strict=True,
            )
        )
        for side in (False, True)
    )
    at = LANDMARKS.index("gnathion")
    assert np.allclose(plain["gnathion"], samples.landmarks[:6, at], atol=1e-5)
    assert np.allclose(mirrored["gnathion"], plain["gnathion"] * [-1, 1], atol=1e-4)
    assert np.allclose(mirrored["left_cheilion"], plain["right_cheilion"] * [-1, 1], atol=1e-4)
    assert np.allclose(mirrored["right_inner_brow"], plain["left_inner_brow"] * [-1, 1], atol=1e-4)


def test_eyes_wider_than_high_are_the_middle_rows(dataset):
    """In batches as in what an engine is fed."""
    maker, _, spec = maker_for(dataset, eye_px=32, face_px=64)
    places = np.array([3, 1, 4])
    batch = maker.plain(places)
    assert np.array_equal(batch.crops["right_eye"], dataset.right_eyes(places)[:, 8:24])
    tensors = [TensorSpec(one.name, (1, *one.shape), "float32") for one in spec.inputs]
    fed = Feed(spec.inputs, tensors).from_crops(
        read_crops(dataset, places, frozenset(one.kind for one in spec.inputs))
    )
    for array, seen in zip(fed, batch.inputs(spec, CPU), strict=True):
        assert np.allclose(np.moveaxis(array, -1, 1) if array.ndim == 4 else array, seen, atol=1e-6)


def dotted_dataset() -> Dataset:
    """Faces that are black but for a soft white dot on the left eye's iris centre, one person as another."""
    dataset = make_dataset(40)
    labels = dataset.labels
    faces = np.zeros((40, 64, 64, 3), np.uint8)
    ys, xs = np.mgrid[:64, :64] + 0.5
    for i in range(40):
        x = (labels["truth_left_centre_x_px"][i] - labels["face_x_px"][i]) / labels["face_w_px"][i] * 64
        y = (labels["truth_left_centre_y_px"][i] - labels["face_y_px"][i]) / labels["face_h_px"][i] * 64
        faces[i] = (255 * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 8))[..., None]
    stored = {"face": faces, "left_eye": faces[:, ::2, ::2], "right_eye": faces[:, ::2, ::2]}
    dataset._gather = lambda crop, indices: stored[crop][indices]  # type: ignore[method-assign]
    return dataset


def test_points_follow_the_pixels_through_shift_zoom_rotation_and_flip():
    geometric = Geometric(flip=0.5, face_shift=0.05, face_zoom=0.08, rotation_deg=8.0)
    recipe = Recipe("r", "eye_locator", batch_size=24, geometric=geometric)
    maker, *_ = maker_for(dotted_dataset(), "eye_locator", recipe, size_px=48, colour="rgb")
    batch = maker.training(0)
    assert batch.mirrored.any()
    assert not batch.mirrored.all()
    ys, xs = np.mgrid[:48, :48]
    for picture, target, mirrored in zip(batch.crops["face"], batch.target, batch.mirrored, strict=True):
        weights = picture[..., 0].astype(float) ** 2
        seen = np.array([(weights * xs).sum(), (weights * ys).sum()]) / weights.sum()
        centre = target[10:12] if mirrored else target[8:10]  # the mirrored person's right eye is the dot
        assert np.allclose((seen + 0.5) / 48 * 2 - 1, centre, atol=0.03)


def test_points_in_the_eyes_own_crops_follow_their_pixels():
    """Eye crops that are black but for a soft white dot on the iris centre, on the left eye above it and
    on the right below."""
    dataset, ys, xs = make_dataset(40), *(np.mgrid[:32, :32] + 0.5)
    labels, stored = dataset.labels, {"face": make_dataset(40).faces(np.arange(40))}
    for eye, off in (("left", -0.02), ("right", 0.02)):
        labels[f"truth_{eye}_centre_y_px"] = labels[f"truth_{eye}_centre_y_px"] + off * labels["face_h_px"]
        x, y = (
            (labels[f"truth_{eye}_centre_{axis}_px"] - labels[f"{eye}_eye_{axis}_px"])
            / labels[f"{eye}_eye_w_px"]
            * 32
            for axis in "xy"
        )
        dots = np.exp(-((xs - x[:, None, None]) ** 2 + (ys - y[:, None, None]) ** 2) / 3)
        stored[f"{eye}_eye"] = np.repeat((255 * dots).astype(np.uint8)[..., None], 3, axis=3)
    dataset._gather = lambda crop, indices: stored[crop][indices]  # type: ignore[method-assign]
    geometric = Geometric(flip=0.5, eye_shift=0.04, eye_zoom=0.08, rotation_deg=8.0)
    maker, *_ = maker_for(
        dataset, recipe=Recipe("r", "tinytracker_eyes", batch_size=24, geometric=geometric), eye_px=32
    )
    batch = maker.training(0)
    assert batch.mirrored.any()
    points = batch.auxiliary[:, 66:78].reshape(-1, 2, 3, 2)
    for e, kind in enumerate(("left_eye", "right_eye")):
        assert np.allclose(places_of_dots(batch.crops[kind]) * [1, 0.5], points[:, e, 2], atol=0.03)
    maker, *_ = maker_for(dataset, "tinytracker", size_px=64)
    assert np.isnan(maker.training(0).auxiliary[:, 66:78]).all()


def place_in_frame(
    labels: dict[str, np.ndarray], sample: int, turn_rad: float, mirrored: bool
) -> tuple[float, float]:
    """Where the left eye's iris centre lies in a frame of 480x640 pixels mirrored, then turned
    counter-clockwise: -1 to 1."""
    x = labels["truth_left_centre_x_px"][sample] - 240
    x, y = -x if mirrored else x, labels["truth_left_centre_y_px"][sample] - 320
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    return (cos * x + sin * y) / 240, (cos * y - sin * x) / 320


def test_position_channels_follow_the_box():
    """A crop moved by augmentation has the position channels of the box that would have cut it."""
    geometric = Geometric(flip=0.5, face_shift=0.05, face_zoom=0.08, rotation_deg=6.0)
    recipe = Recipe("r", "tinytracker", batch_size=24, geometric=geometric)
    maker, _, spec = maker_for(dotted_dataset(), "tinytracker", recipe, size_px=64)
    batch = maker.training(0)
    face = batch.inputs(spec, CPU)[0].numpy()
    labels = dotted_dataset().labels
    for row, (picture, place, mirrored) in enumerate(zip(face, batch.places, batch.mirrored, strict=True)):
        weights = ((picture[0] + 1) / 2) ** 4
        x = (weights * picture[3]).sum() / weights.sum()
        y = (weights * picture[4]).sum() / weights.sum()
        assert (x, y) == pytest.approx(
            place_in_frame(labels, place, batch.turns_rad[row], mirrored), abs=0.02
        )


def test_turned_eyes_still_look_at_the_gaze_point():
    """Eyes put into space, with the gaze that follows: what a turned, mirrored batch says of both still
    agrees."""
    dataset, rng, count = make_dataset(40), np.random.default_rng(3), 40
    labels, focal_px = dataset.labels, 600
    eye = np.stack(
        [rng.uniform(-9, 9, count), rng.uniform(-9, 9, count), rng.uniform(-50, -25, count)], 1
    )  # camera frame
    for side in ("left", "right"):
        labels[f"truth_{side}_centre_x_px"] = 240 - focal_px * eye[:, 0] / eye[:, 2]
        labels[f"truth_{side}_centre_y_px"] = 320 + focal_px * eye[:, 1] / eye[:, 2]
        towards = np.stack([-labels["gaze_x_cm"], labels["gaze_y_cm"], np.zeros(count)], 1) - eye
        angles = direction_to_angles_deg(towards)
        labels[f"truth_{side}_gaze_yaw_deg"], labels[f"truth_{side}_gaze_pitch_deg"] = angles
    geometric = Geometric(flip=0.5, face_shift=0.05, face_zoom=0.08, rotation_deg=12.0)
    maker, *_ = maker_for(dataset, recipe=Recipe("r", "tinytracker_eyes", batch_size=24, geometric=geometric))
    batch = maker.training(0)
    assert batch.mirrored.any()
    assert np.ptp(np.degrees(batch.turns_rad)) > 20
    for e in (0, 1):
        in_crop = batch.auxiliary[:, 7:19].reshape(-1, 2, 3, 2)[:, e, 2]
        in_frame_px = (batch.frame_box[:, :2] + batch.frame_box[:, 2:] * (in_crop + 1) / 2 - 0.5) * [480, 640]
        z = eye[batch.places, 2]
        place = np.stack([-in_frame_px[:, 0] * z, in_frame_px[:, 1] * z], 1) / focal_px
        direction = angles_deg_to_direction(*(20 * batch.auxiliary[:, 2 * e : 2 * e + 2].T))
        hit = place - direction[:, :2] * (z / direction[:, 2])[:, None]
        assert np.allclose(hit * [-1, 1], batch.target, atol=1e-3)


def test_turned_heads_roll():
    """An upright head turned counter-clockwise has that roll; a head that looks to the left then looks
    down, too."""
    upright, aside = np.zeros((1, 7)), np.array([[0, 0, 0, 0, -1, 0, 0]])  # one unit is 20 degrees
    assert np.allclose(20 * turned_angles(upright, np.radians([8.0])), [[0, 0, 0, 0, 0, 0, 8]], atol=1e-4)
    yaw, pitch, roll = 20 * turned_angles(aside, np.radians([90.0]))[0, 4:]
    assert (yaw, pitch) == pytest.approx((0, -20), abs=1e-4)
    assert roll == pytest.approx(90, abs=1e-4)


def test_an_answer_about_a_sample_turns_with_it(dataset):
    geometric = Geometric(flip=0.5, rotation_deg=8.0)
    maker, samples, _ = maker_for(
        dataset, recipe=Recipe("r", "tinytracker_eyes", batch_size=24, geometric=geometric)
    )
    batch = maker.training(0)
    assert np.allclose(
        batch.gaze_of(np.stack([samples.gaze_cm, samples.gaze_cm * [-1, 1]])), batch.target, atol=1e-5
    )


def banded_dataset() -> Dataset:
    """Eye bands that are black but for a soft white dot on the left eye's iris centre."""
    dataset = add_eye_bands(make_dataset(40))
    labels = dataset.labels
    bands = np.zeros((40, 64, 128, 3), np.uint8)
    ys, xs = np.mgrid[:64, :128] + 0.5
    for i in range(40):
        x = (
            (labels["truth_left_centre_x_px"][i] - labels["eye_band_x_px"][i])
            / labels["eye_band_w_px"][i]
            * 128
        )
        y = (
            (labels["truth_left_centre_y_px"][i] - labels["eye_band_y_px"][i])
            / labels["eye_band_h_px"][i]
            * 64
        )
        bands[i] = (255 * np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 8))[..., None]
    stored = {"eye_band": bands}
    dataset._gather = lambda crop, indices: stored[crop][indices]  # type: ignore[method-assign]
    return dataset


BAND = {"size_px": (48, 128)}


def places_of_dots(pictures: np.ndarray) -> np.ndarray:
    """The middle of the white, (n, 2), -1 to 1 over the picture."""
    height, width = pictures.shape[1:3]
    weights = pictures[..., 0].astype(float) ** 2
    ys, xs = np.mgrid[:height, :width] + 0.5
    total = weights.sum((1, 2))
    return (
        np.stack([(weights * xs).sum((1, 2)) / total / width, (weights * ys).sum((1, 2)) / total / height], 1)
        * 2
        - 1
    )


def test_the_eye_bands_box_and_points_follow_its_pixels():
    """What moves the band moves its box: the dot's place in band and box together is its place in the
    frame."""
    geometric = Geometric(flip=0.5, band_shift=0.05, band_zoom=0.05, rotation_deg=6.0)
    recipe = Recipe("r", "tinytracker_imx_band", batch_size=24, geometric=geometric)
    dataset = banded_dataset()
    maker, _, spec = maker_for(dataset, "tinytracker_imx_band", recipe, **BAND)
    batch = maker.training(0)
    seen = places_of_dots(batch.crops["eye_band"])
    in_frame = (batch.band_box[:, :2] + batch.band_box[:, 2:] * (seen + 1) / 2) * 2 - 1
    drawn = zip(batch.places, batch.turns_rad, batch.mirrored, strict=True)
    assert np.allclose(in_frame, [place_in_frame(dataset.labels, *one) for one in drawn], atol=0.008)
    assert np.std(batch.band_box[:, 2] / (dataset.labels["face_w_px"][batch.places] / 480)) > 0.02
    points = batch.auxiliary[:, 7:19].reshape(-1, 2, 3, 2)
    left = np.where(batch.mirrored[:, None], points[:, 1, 2], points[:, 0, 2])
    assert np.allclose(seen, left, atol=0.03)
    assert np.allclose(batch.inputs(spec, CPU)[1], batch.band_box * 2 - 1)


def test_plain_eye_bands_are_the_runtimes(tmp_path):
    """What validation sees is what the feed gives, to a grey level; mirrored, the mirrored person."""
    dataset = banded_dataset()
    maker, _, spec = maker_for(dataset, "tinytracker_imx_band", **BAND)
    places = np.arange(6)
    plain, mirrored = maker.plain(places), maker.plain(places, mirror=True)
    feed = Feed(spec.inputs, [TensorSpec(one.name, (1, *one.shape), "float32") for one in spec.inputs])
    picture, box = feed.from_crops(read_crops(dataset, places, feed.kinds))
    ours = plain.inputs(spec, CPU)
    assert np.abs(ours[0].permute(0, 2, 3, 1).numpy() - picture).max() <= 1.01 / 128
    assert np.allclose(ours[1], box, atol=0.02)  # of 2; boxes are cut in whole pixels
    assert np.array_equal(mirrored.crops["eye_band"], plain.crops["eye_band"][:, :, ::-1])
    assert np.allclose(mirrored.band_box[:, 0], 1 - plain.band_box[:, 0] - plain.band_box[:, 2], atol=1e-6)
    assert np.allclose(mirrored.band_box[:, 1:], plain.band_box[:, 1:])


def test_a_dataset_without_eye_bands_is_refused(dataset):
    with pytest.raises(DatasetError, match="--band-px"):
        maker_for(dataset, "tinytracker_imx_band", **BAND)


def test_position_vectors_are_those_of_the_runtime():
    box = Box(-20.0, 100.0, 300.0, 310.0)
    over_frame = np.array([[-20 / 480, 100 / 640, 300 / 480, 310 / 640]], np.float32)
    xs, ys = cropping.position_vectors(box, 480, 640, 32, 24)
    ours = batch_positions(torch.from_numpy(over_frame), 32, 24)
    assert np.allclose(ours[0][0], xs, atol=1e-6)
    assert np.allclose(ours[1][0], ys, atol=1e-6)


def test_inputs_are_what_the_card_says(dataset):
    maker, _, spec = maker_for(dataset, "tinytracker_s", size_px=64)
    batch = maker.plain(np.arange(4))
    tensor = batch.inputs(spec, CPU)[0]
    grey = np.stack([cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) for face in dataset.faces(np.arange(4))])
    assert torch.equal(tensor[:, 0], (torch.from_numpy(grey).float() - 128) / 128)
    assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_a_right_eye_goes_in_as_in_a_mirror(dataset):
    maker, _, spec = maker_for(dataset, eye_px=32, face_px=48)
    assert [one.mirrored for one in spec.inputs] == [False, False, True, False]
    batch = maker.plain(np.arange(4))
    right = (torch.from_numpy(dataset.right_eyes(np.arange(4))[:, 8:24, ::-1].copy()).float() - 128) / 128
    assert torch.equal(batch.inputs(spec, CPU)[2], right.permute(0, 3, 1, 2))
    feed = Feed(spec.inputs, [TensorSpec(one.name, (1, *one.shape), "float32") for one in spec.inputs])
    assert np.array_equal(feed.from_crops(read_crops(dataset, np.arange(4), feed.kinds))[2], right.numpy())


def test_a_low_pass_is_the_last_thing_done_to_a_crop(dataset):
    options = {"eye_px": 32, "face_px": 48, "eye_low_pass_px": 1.5, "face_low_pass_px": 0.8}
    maker, _, spec = maker_for(dataset, **options)
    places = np.arange(4)
    feed = Feed(spec.inputs, [TensorSpec(one.name, (1, *one.shape), "float32") for one in spec.inputs])
    fed = feed.from_crops(read_crops(dataset, places, feed.kinds))
    for ours, theirs in zip(maker.plain(places).inputs(spec, CPU)[1:3], fed[1:3], strict=True):
        assert np.array_equal(ours.permute(0, 2, 3, 1), theirs)
    recipe = Recipe(
        "r", "tinytracker_eyes", batch_size=8, photometric=Photometric(noise=0.1, grey=0.5), face_dropout=0.5
    )
    sharp, smooth = (
        maker_for(dataset, recipe=recipe, **one)[0].training(3)
        for one in ({"eye_px": 32, "face_px": 48}, options)
    )
    for kind, sigma_px in (("left_eye", 1.5), ("right_eye", 1.5), ("face", 0.8)):
        expected = np.stack([cropping.low_pass(image, sigma_px) for image in sharp.crops[kind]])
        assert np.array_equal(smooth.crops[kind], expected)


def test_rows_that_a_network_never_sees_are_blank(dataset):
    options = {"eye_px": 32, "face_px": 48, "face_blank_rows": 24}
    maker, _, spec = maker_for(dataset, **options)
    seen, _, _ = maker_for(dataset, eye_px=32, face_px=48)
    blank, whole = maker.training(2).crops["face"], seen.training(2).crops["face"]
    assert (blank[:, :24] == cropping.BLANK).all()
    assert np.array_equal(blank[:, 24:], whole[:, 24:])
    feed = Feed(spec.inputs, [TensorSpec(one.name, (1, *one.shape), "float32") for one in spec.inputs])
    face = feed.from_crops(read_crops(dataset, np.arange(3), feed.kinds))[0]
    assert not face[:, :24].any()
    assert face[:, 24:].any()


def test_worse_cameras_for_all_stand_for_the_low_pass(dataset):
    def eyes(low_resolution: float, **options: float) -> np.ndarray:
        photometric = Photometric(low_resolution=low_resolution, finest=2.0)
        recipe = Recipe("r", "tinytracker_eyes", batch_size=8, photometric=photometric)
        return (
            maker_for(dataset, recipe=recipe, eye_px=32, face_px=48, **options)[0]
            .training(0)
            .crops["left_eye"]
        )

    assert np.array_equal(eyes(1.0), eyes(1.0, eye_low_pass_px=2.0))
    assert not np.array_equal(eyes(0.5), eyes(0.5, eye_low_pass_px=2.0))


def test_the_face_grid_is_gazecaptures(dataset):
    maker, samples, spec = maker_for(dataset, "itracker", size_px=67)
    grid = maker.plain(np.arange(3)).inputs(spec, CPU)[3]
    for row in range(3):
        cells = cropping.grid_cells(Box(*map(float, samples.face_box_px[row])), 480, 640)
        assert np.array_equal(grid[row], cropping.face_grid(*cells))


def test_photometric_augmentation_changes_what_it_should():
    rng = np.random.default_rng(0)
    images = np.full((200, 32, 32, 3), 120, np.uint8)
    bank = augment.NoiseBank(0.05, seed=0)

    def changed(**options: float) -> np.ndarray:
        photometric = Photometric(**options)
        out = images.copy()
        looks = augment.draw_looks(rng, photometric, 200, images.mean((1, 2, 3)) / 255)
        light = augment.draw_light(rng, photometric, 200)
        augment.change_looks(out, looks, light, photometric, bank, is_face=False)
        return out.astype(float)

    assert np.array_equal(changed(), images)
    assert np.array_equal(changed(grey=1.0), images)
    means = changed(brightness=0.1).mean((1, 2, 3))
    assert means.std() == pytest.approx(25.5, rel=0.2)
    assert abs(means.mean() - 120) < 6
    per_channel = changed(colour=0.1).mean((1, 2))
    assert per_channel.std(axis=1).mean() > 10
    noisy = changed(noise=0.05)
    assert noisy[:, :, :, 0].std(axis=(1, 2)).max() == pytest.approx(12.75, rel=0.1)
    assert abs(noisy.mean() - 120) < 0.5
    ramped = changed(ramp=0.3)
    across = ramped.mean((1, 3))
    assert np.corrcoef(across[np.argmax(across.std(1))], np.arange(32))[0, 1] ** 2 > 0.95
    assert np.array_equal(changed(low_resolution=1.0), images)  # flat pictures have nothing to lose


def test_low_resolution_blurs_and_spares_small_faces():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (100, 48, 48, 3)).astype(np.uint8)
    photometric = Photometric(low_resolution=1.0)
    looks = augment.draw_looks(rng, photometric, 100, np.full(100, 0.5))
    detail = {}
    for is_face in (False, True):
        images = noise.copy()
        light = augment.draw_light(rng, photometric, 100)
        augment.change_looks(images, looks, light, photometric, augment.NoiseBank(0.0, 0), is_face)
        detail[is_face] = np.abs(np.diff(images.astype(float), axis=2)).mean()
    assert detail[False] < 0.5 * detail[True]


def test_batches_depend_on_seed_step_and_rank_alone(dataset, recipe):
    maker, *_ = maker_for(dataset, "tinytracker_s", recipe, size_px=32)
    one = dict(ahead(maker.training, 0, 6, threads=1))
    three = dict(ahead(maker.training, 4, 6, threads=3))
    for step in (4, 5):
        assert np.array_equal(one[step].crops["face"], three[step].crops["face"])
    assert not np.array_equal(one[0].crops["face"], one[1].crops["face"])
    # Two processes share a step's samples between them.
    halves = [maker.training(2, rank, 2).places for rank in (0, 1)]
    assert sorted(np.concatenate(halves)) == sorted(maker.training(2).places)


def test_an_epoch_has_every_sample_once(dataset, recipe):
    maker, samples, _ = maker_for(dataset, "tinytracker_s", recipe, size_px=32)
    steps = len(samples) // recipe.batch_size
    assert len(samples) % recipe.batch_size == 0
    assert sorted(np.concatenate([maker.training(step).places for step in range(steps)])) == list(
        range(len(samples))
    )


def test_eyes_that_are_closed_are_left_out_of_training_if_asked(dataset):
    spec = create_model("tinytracker_s").spec
    dataset.labels["truth_left_openness"][:5] = dataset.labels["truth_right_openness"][:5] = 0.02
    assert len(load_samples(dataset, "train", spec, margin=True, min_openness=0.1)) == 43
    assert len(load_samples(dataset, "train", spec, margin=True)) == 48


def test_faces_cut_by_the_frame_are_black_beyond_it_and_nowhere_else(dataset, recipe):
    cut = replace(recipe, batch_size=48, geometric=replace(recipe.geometric, cut=1.0))
    whole = replace(cut, geometric=replace(recipe.geometric, cut=0.0))
    maker, *_ = maker_for(dataset, "tinytracker_s", cut, size_px=64)
    plain, *_ = maker_for(dataset, "tinytracker_s", whole, size_px=64)
    batch, uncut = maker.training(0), plain.training(0)
    assert np.array_equal(batch.target, uncut.target)
    shares = []
    for face, before, inside in zip(
        batch.crops["face"], uncut.crops["face"], maker.draw(0).inside, strict=True
    ):
        left, top, right, bottom = np.round(inside * 64).astype(int)
        assert np.array_equal(face[top:bottom, left:right], before[top:bottom, left:right])
        shares.append((face != before).any(2).mean())
        assert not face.sum(2)[:top].any()
        assert not face.sum(2)[bottom:].any()
        assert not face.sum(2)[:, :left].any()
        assert not face.sum(2)[:, right:].any()
    assert 0.1 < np.mean(shares) < 0.2
    assert max(shares) < 0.5
