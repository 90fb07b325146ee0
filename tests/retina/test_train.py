"""A network of pupils is trained, stopped, resumed, scored and exported; what is wrong is told early."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.retina.discs import disc
from tinytracker.cli.app import run
from tinytracker.errors import CheckpointError, DatasetError, UsageError
from tinytracker.events.windows import Window
from tinytracker.models import create_model
from tinytracker.models.checkpoint import load_card, load_network, read_tensors
from tinytracker.quantization.trace import trace
from tinytracker.results import value_of
from tinytracker.retina.batches import SequenceMaker
from tinytracker.retina.evaluate import evaluate_pupils
from tinytracker.retina.model import PupilModel
from tinytracker.retina.recipe import event_recipe_from_dict, list_event_recipes, load_event_recipe
from tinytracker.retina.sequences import track_of, tracks_of
from tinytracker.retina.train import loss_of, train
from tinytracker.training.run import TrainingStopped

SHORT = event_recipe_from_dict(
    {
        "name": "pupil",
        "model": "pupil",
        "steps": 4,
        "batch_size": 4,
        "length": 3,
        "strides": [1, 2],
        "validate_every": 2,
        "checkpoint_every": 2,
        "warmup_steps": 1,
    }
)


def test_windows_are_labelled_with_their_newest_event() -> None:
    recording = disc(5, seconds=0.3, blink_at=None)
    track = track_of(recording, Window(cells=300), every_us=5000)
    assert (track.newest_us <= track.at_us).all()
    place = np.searchsorted(recording.labels["t_us"], track.newest_us) - 1
    apart = np.abs(
        track.centre * 64 * 2 - np.stack([recording.labels["x_px"], recording.labels["y_px"]], 1)[place]
    )
    assert apart.max() < 4  # of a jump of 3 pixels a millisecond, no more than one
    assert (track.planes().sum((1, 2, 3)) <= 300).all()


@pytest.mark.parametrize("model", ["pupil", "retina_ann", "retina"])
def test_a_training_that_diverges_is_refused(model, eyes, tmp_path) -> None:
    """Pupil's loss ended in torch's "all elements of input should be between 0 and 1"."""
    wild = replace(SHORT, model=model, steps=20, learning_rate=1e30, weight_decay=1e9, warmup_steps=0)
    with pytest.raises(UsageError, match="training has diverged"):
        train(wild, eyes, tmp_path / "run")


def test_a_recording_of_too_few_events_has_no_windows() -> None:
    """It ended in numpy's ValueError, and so did training and scoring with such a recording among others."""
    whole = disc(5, seconds=0.3, blink_at=None)
    quiet = replace(whole, events=whole.events.rows(0, 100))
    assert len(track_of(quiet, Window(cells=300), every_us=5000)) == 0
    assert len(tracks_of([quiet, whole], Window(cells=300))) == 1
    with pytest.raises(DatasetError, match="no labelled windows"):
        tracks_of([quiet], Window(cells=300))


def test_a_killed_run_resumed_ends_as_one_that_was_not(eyes, folder) -> None:
    train(SHORT, eyes, folder / "whole", seed=3)
    killed = replace(SHORT, steps=4)

    class Killed(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise Killed

    with pytest.raises(Killed):
        train(killed, eyes, folder / "killed", seed=3, progress=stop)
    with pytest.raises(UsageError, match="--resume"):
        train(killed, eyes, folder / "killed", seed=3)
    with pytest.raises(CheckpointError, match=r"seed \(--seed\) was 3 and is 4"):
        train(killed, eyes, folder / "killed", seed=4, resume=True)
    result = train(killed, eyes, folder / "killed", seed=3, resume=True)
    whole, resumed = (read_tensors(folder / name / "last.safetensors")[0] for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    card = load_card(result.last)
    assert card.data["train_people"] == 3
    assert card.output == "pupil"


def test_a_run_that_is_asked_to_stop_leaves_its_state_and_resumed_ends_the_same(eyes, folder) -> None:
    @contextmanager
    def wished_at_once():
        yield lambda: True

    recipe = replace(SHORT, checkpoint_every=100)
    train(recipe, eyes, folder / "whole")
    with pytest.raises(TrainingStopped, match=r"after step 1 of 4"):
        train(recipe, eyes, folder / "parts", stopping=wished_at_once)
    train(recipe, eyes, folder / "parts", resume=True)
    whole, resumed = ((folder / name / "last.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == resumed


def test_a_run_starts_from_whatever_networks_fit(eyes, tracks, folder) -> None:
    """It took checkpoints alone, though the help says as much of released networks as of faces'."""
    still = replace(SHORT, steps=1, learning_rate=0.0, weight_decay=0.0, ema=0.0)
    released = train(replace(still, start="pupil"), eyes, folder / "released")
    assert released.started_from == "13 of 13 layers start as those of pupil"
    apart = PupilModel.load(released.last).outputs(tracks[0].planes()) - PupilModel.load("pupil").outputs(
        tracks[0].planes()
    )
    assert np.abs(apart[:, :2]).mean() < 0.1  # statistics of four sequences of discs stand for its own
    whole = train(replace(still, start=str(released.last)), eyes, folder / "whole")
    assert whole.started_from == f"all weights start as those of {released.last}"
    again = dict(load_network(whole.last).named_parameters())
    assert all(
        torch.equal(value, again[name]) for name, value in load_network(released.last).named_parameters()
    )
    with pytest.raises(CheckpointError, match="tinytracker, of which no two layers in a row fit pupil"):
        train(replace(still, start="tinytracker"), eyes, folder / "wrong")
    assert not (folder / "wrong").exists()


def test_a_device_that_is_not_there_and_several_processes_are_refused(eyes, folder, monkeypatch) -> None:
    for device in ("nonsense", "cuda:99"):
        with pytest.raises(UsageError, match=f"torch has no device '{device}'"):
            train(SHORT, eyes, folder / "elsewhere", device=device)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="leave torchrun out"):
        train(SHORT, eyes, folder / "elsewhere")
    assert not (folder / "elsewhere").exists()


@pytest.mark.parametrize("name", ["retina", "retina_ann"])
def test_the_others_are_trained_and_scored_too(eyes, folder, name) -> None:
    recipe = replace(SHORT, name=name, model=name, steps=2, optimiser="adam", synops_weight=1e-7)
    result = train(recipe, eyes, folder / name)
    rows = evaluate_pupils([result.last], eyes)
    error = value_of(rows, "last", "error_mean")
    assert error is not None
    assert 0 < error.value < 64
    people = {row.group for row in rows if row.group.startswith("person=")}
    assert people == {"person=p004", "person=p005"}
    assert value_of(rows, "last", "error_mean", "blink=near") is not None
    assert isinstance(load_network(result.last), torch.nn.Module)


def test_a_spiking_network_learns(eyes, folder) -> None:
    """It was worse than always-the-mean."""
    recipe = replace(
        load_event_recipe("retina"), steps=120, batch_size=6, length=6, warmup_steps=10, ema=0.9,
        options={}, validate_every=120,
    )  # fmt: skip
    found = train(recipe, eyes, folder / "run").last_score.parts
    assert found["error_cells"] < 0.8 * found["always_mean_cells"]


def test_windows_that_may_settle_cost_nothing(settled, tracks) -> None:
    """Where the pupil was in them changes no part of the loss; where it was in the next one does."""
    recipe = replace(SHORT, name="retina", model="retina", length=5, unsettled=3)
    network = settled("retina")
    batch = SequenceMaker(tracks, recipe, 0).training(0)

    def cost(moved: slice) -> float:
        centre = batch.truth.centre.clone()
        centre[:, moved] = 0.9 - centre[:, moved].clamp(0, 0.9)
        changed = replace(batch, truth=replace(batch.truth, centre=centre))
        parts = loss_of(recipe, network, changed, torch.device("cpu"))
        return float(torch.stack(list(parts.values())).sum().detach())

    as_it_is = cost(slice(0, 0))
    assert cost(slice(0, 3)) == as_it_is
    assert cost(slice(3, 4)) != as_it_is


def test_a_checkpoint_says_what_torch_said_in_training(eyes, tracks, folder) -> None:
    """The engine, a window at a time, against the network over the whole sequence."""
    from tinytracker.retina.running import outputs_of_track

    result = train(SHORT, eyes, folder / "run")
    model = PupilModel.load(result.last)
    along = outputs_of_track(load_network(result.last), tracks[0])
    assert np.allclose(model.outputs(tracks[0].planes()), along, atol=1e-4)
    again = model.outputs(tracks[0].planes(slice(0, 3)))
    assert not np.allclose(again, along[:3], atol=1e-6)  # it remembers
    model.forget()
    assert np.allclose(model.outputs(tracks[0].planes(slice(0, 3))), along[:3], atol=1e-4)


def test_what_is_fitted_is_what_a_network_computes() -> None:
    """And not how it was taught."""
    network = create_model("pupil").train()
    taught = trace(network)
    assert [node.name for node in taught.graph.nodes] == [
        node.name for node in trace(network.eval()).graph.nodes
    ]
    assert taught.training


@pytest.mark.parametrize("name", ["pupil", "retina-ann"])
def test_what_was_trained_is_exported_as_bytes(name, eyes, folder) -> None:
    recipe = replace(SHORT, name=name, model=name.replace("-", "_"), steps=1)
    trained, out = train(recipe, eyes, folder / "one").last, folder / "out"
    arguments = ["export", str(trained), "--data", str(eyes.folder), "--out", str(out), "--qat-steps", "2"]
    assert run([*arguments, "--calibration-samples", "32"]) == 0
    rows = evaluate_pupils([out / f"{name}_float.tflite", out / f"{name}_int8.tflite"], eyes)
    errors = {row.model: row.value for row in rows if (row.metric, row.group) == ("error_mean", "all")}
    assert errors[f"{name}_int8"] == pytest.approx(errors[f"{name}_float"], abs=0.5)


def test_commands_refuse_what_makes_no_sense(eyes, folder, capsys) -> None:
    data = str(eyes.folder)
    assert (
        run(["train", "pupil", "--data", data, "--out", str(folder / "x"), "--teacher", "tinytracker"]) != 0
    )
    assert "leave --teacher" in capsys.readouterr().err
    assert run(["train", "tinytracker", "--data", data, "--out", str(folder / "x")]) != 0
    assert "is a dataset of events; expected one of frames of faces" in capsys.readouterr().err
    assert run(["evaluate", "tinytracker", "--data", data]) != 0
    assert "expected a network of pupils" in capsys.readouterr().err
    result = train(
        replace(SHORT, name="retina", model="retina", steps=1, optimiser="adam"), eyes, folder / "s"
    )
    assert run(["export", str(result.last), "--float-only", "--out", str(folder / "e")]) != 0
    assert "--target nir" in capsys.readouterr().err


def test_recipes_are_read_and_checked() -> None:
    assert list_event_recipes() == ["pupil", "retina", "retina-ann"]
    ours, theirs = load_event_recipe("pupil"), load_event_recipe("retina-ann")
    assert ours.steps == theirs.steps
    assert ours.batch_size * ours.length == theirs.batch_size * theirs.length  # equal windows a step
    assert (ours.optimiser, ours.changes) == (theirs.optimiser, theirs.changes)
    for wrong in (
        {"model": "tinytracker"},
        {"model": "pupil", "strides": []},
        {"model": "pupil", "steps": 0},
        {"model": "retina", "length": 4, "unsettled": 4},
    ):
        with pytest.raises(UsageError, match="expected"):
            event_recipe_from_dict({"name": "mine", **wrong})


def test_windows_of_another_size_are_refused(eyes, folder) -> None:
    """It ended in torch's RuntimeError, a folder made."""
    with pytest.raises(UsageError, match=r"size_px is 32, but windows of a dataset have 64 x 64 cells"):
        train(replace(SHORT, options={"size_px": 32}), eyes, folder / "run")
    assert not (folder / "run").exists()


def test_an_empty_split_is_told(eyes, folder) -> None:
    from tests.retina.discs import write_dataset

    alone = write_dataset(folder / "alone", train=1, val=0, test=0, seconds=0.3)
    with pytest.raises(DatasetError, match="no val people"):
        train(SHORT, alone, folder / "run")
    with pytest.raises(DatasetError, match=r"split test \(it has: train\)"):
        evaluate_pupils([_checkpoint(eyes, folder)], alone)


def _checkpoint(eyes, folder):
    return train(replace(SHORT, steps=1), eyes, folder / "one").last
