from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tinytracker.cards import card_path, write_card
from tinytracker.engines.litert import LiteRTEngine
from tinytracker.errors import CheckpointError, ModelError
from tinytracker.models import create_model
from tinytracker.models.checkpoint import save_network
from tinytracker.models.network import example_inputs
from tinytracker.models.weights import load_weights
from tinytracker.quantization.fake_quant import to_tensors
from tinytracker.training.start import take_over
from tinytracker.zoo import find, list_released


@pytest.mark.parametrize("name", list_released("gaze", "eyes"))
def test_a_released_network_is_a_float_one_again(name):
    """Its answers are those of the int8 file but for the rounding; so they are after a start from it, now
    with the batch statistics that training normalises by."""
    network, engine = load_weights(name), LiteRTEngine(find(name).path)
    batch = pictures([spec.shape for spec in network.spec.inputs])
    with torch.no_grad():
        real = network(*to_tensors(batch)).numpy()
    stored = [
        engine.invoke(
            [spec.quantize(array[i : i + 1]) for array, spec in zip(batch, engine.inputs, strict=True)]
        )[0]
        for i in range(len(real))
    ]
    integer = engine.outputs[0].dequantize(np.concatenate(stored))
    assert np.corrcoef(real.ravel(), integer.ravel())[0, 1] > 0.97

    torch.manual_seed(0)
    fresh = create_model(network.spec.family, **network.options)
    count = sum(isinstance(module, torch.nn.Conv2d | torch.nn.Linear) for module in fresh.modules())
    assert take_over(fresh, name, to_tensors(batch)).startswith(
        f"{count} of {count} layers start as those of {name}"
    )
    with torch.no_grad():
        np.testing.assert_allclose(fresh.eval()(*to_tensors(batch)), real, atol=1e-4)
        # What differs by a little is the first of two uses of a shared layer, whose statistics count for
        # both.
        np.testing.assert_allclose(fresh.train()(*to_tensors(batch)), real, atol=0.15)


def test_of_another_kind_it_takes_the_layers_that_fit(tmp_path):
    path, giver = saved(tmp_path, "tinytracker", size_px=64)
    torch.manual_seed(2)
    network = create_model("tinytracker_imx", size_px=96)
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    assert (
        take_over(network, path, example_inputs(network, 2))
        == f"34 of 40 layers start as those of {path} (tinytracker)"
    )
    theirs, mine = giver.state_dict(), network.state_dict()
    for name, value in theirs.items():
        if name.startswith("backbone."):
            torch.testing.assert_close(mine[name.replace("backbone", "features")], value, msg=name)
    others = [name for name in mine if name.replace("features", "backbone") not in theirs]
    assert {name.split(".")[0] for name in others} == {"features", "head"}
    for name in others:
        torch.testing.assert_close(mine[name], fresh[name], msg=name)


def test_with_another_face_crop_all_but_the_fc_behind_it_is_taken(tmp_path):
    path, giver = saved(tmp_path, "tinytracker_eyes", eye_px=32)
    network = create_model("tinytracker_eyes", eye_px=32, face_px=56)
    assert take_over(network, path, ()).startswith("19 of 20 layers")
    for tower in ("eye", "face"):
        torch.testing.assert_close(
            network.get_submodule(tower).state_dict(), giver.get_submodule(tower).state_dict()
        )


def test_what_cannot_be_taken_over_is_one_clear_line(tmp_path):
    path, _ = saved(tmp_path, "itracker", size_px=67)
    network = create_model("tinytracker_s", size_px=32)
    with pytest.raises(CheckpointError, match=r"itracker, of which no two layers in a row fit tinytracker_s"):
        take_over(network, path, ())
    card, weights = find("tinytracker-s").card, find("tinytracker-s").path
    copy = tmp_path / "wrong.tflite"
    with pytest.raises(ModelError, match=r"wrong\.tflite does not exist"):
        take_over(network, copy, ())
    copy.write_bytes(weights.read_bytes())
    with pytest.raises(ModelError, match=r"wrong\.tflite has no card; expected wrong\.json"):
        take_over(network, copy, ())
    write_card(
        replace(
            card, recipe={"model": "tinytracker_s", "options": {"colour": "rgb", "position": "channels"}}
        ),
        card_path(copy),
    )
    with pytest.raises(
        CheckpointError, match=r"wrong\.tflite is not the network of its card wrong\.json: .*weights"
    ):
        take_over(network, copy, ())


def saved(tmp_path, model, **options):
    """(checkpoint of a network with fresh weights, the network)."""
    torch.manual_seed(1)
    network = create_model(model, **options).eval()
    save_network(
        network,
        network.card("other", recipe={"model": model, "options": options}),
        tmp_path / "other.safetensors",
    )
    return tmp_path / "other.safetensors", network


def pictures(shapes):
    """8 samples of each input: smooth pictures, for noise is nothing that the int8 files' ranges were made
    for."""
    rng = np.random.default_rng(0)
    batch = []
    for shape in shapes:
        if len(shape) < 3:
            batch.append(rng.uniform(-0.5, 0.5, (8, *shape)).astype(np.float32))
            continue
        coarse = torch.from_numpy(rng.uniform(-0.8, 0.8, (8, shape[2], 4, 4)).astype(np.float32))
        batch.append(
            torch.nn.functional.interpolate(coarse, shape[:2], mode="bilinear").permute(0, 2, 3, 1).numpy()
        )
    return batch
