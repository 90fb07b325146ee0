"""The loop: it learns, a seed decides the weights, a killed run resumed equals an undisturbed one, two
processes work."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.tiny import make_dataset, write_dataset
from tinytracker.cards import card_path, read_card
from tinytracker.cli.app import run
from tinytracker.errors import (
    INTERRUPTED,
    CheckpointError,
    DatasetError,
    OutputError,
    TinytrackerError,
    UsageError,
)
from tinytracker.models import checkpoint
from tinytracker.training.recipe import Distillation
from tinytracker.training.run import TrainingStopped
from tinytracker.training.state import load_state
from tinytracker.training.train import learning_rate, train

RECIPE = """
name = "tiny"
model = "tinytracker_s"
steps = {steps}
batch_size = 8
warmup_steps = 2
auxiliary = 1.0
ema = 0.9
validate_every = 20
checkpoint_every = 5
options = {{ size_px = 32, colour = "rgb", position = "channels" }}
[photometric]
contrast = 0.2
noise = 0.02
[geometric]
face_shift = 0.05
"""


def test_it_learns_what_is_there_to_learn(dataset, recipe, tmp_path):
    plain = replace(
        recipe, steps=120, batch_size=16, auxiliary=0.0, ema=0.95, validate_every=40, checkpoint_every=200
    )
    plain = replace(
        plain,
        photometric=type(plain.photometric)(),
        learning_rate=5e-3,
        geometric=type(plain.geometric)(flip=0.5),
    )
    result = train(plain, dataset, tmp_path / "run")
    assert result.best_score.value < 0.6 * result.best_score.parts["always_mean_cm"]


def test_a_run_leaves_checkpoints_with_cards(dataset, recipe, tmp_path):
    result = train(recipe, dataset, tmp_path / "run")
    network, card = checkpoint.load_network(result.last), read_card(card_path(result.last))
    assert card.inputs == network.spec.inputs
    assert card.recipe["steps"] == recipe.steps
    assert card.results["val"]["error_cm"] == pytest.approx(result.last_score.value)
    assert card.data["train_people"] == 1
    assert card.counts["parameters"] > 80_000
    assert not network.training
    assert any((tmp_path / "run" / "log").iterdir())


def test_a_seed_decides_the_weights(recipe, tmp_path):
    weights = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(recipe, make_dataset(), tmp_path / name, seed=seed)
        weights[name] = (tmp_path / name / "last.safetensors").read_bytes()
    assert weights["a"] == weights["b"]
    assert weights["a"] != weights["c"]


def test_a_run_can_start_from_another_ones_weights(dataset, recipe, tmp_path):
    first = train(recipe, dataset, tmp_path / "first").last
    still = replace(recipe, start=str(first), learning_rate=0.0, weight_decay=0.0, steps=1, ema=0.9)
    result = train(still, dataset, tmp_path / "again")
    again = checkpoint.load_network(result.last)
    before = dict(checkpoint.load_network(first).named_parameters())
    assert all(torch.equal(before[name], value) for name, value in again.named_parameters())
    assert "layers start as those of" in result.started_from
    assert read_card(card_path(result.last)).data["start"] == result.started_from


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_run_stopped_and_resumed_ends_the_same(optimiser, dataset, recipe, tmp_path):
    recipe = replace(recipe, optimiser=optimiser)
    train(recipe, dataset, tmp_path / "whole")

    class Stop(Exception):
        pass

    def stop_at_5(done, total):
        if done == 5:
            raise Stop

    with pytest.raises(Stop):
        train(recipe, dataset, tmp_path / "parts", progress=stop_at_5)
    train(recipe, dataset, tmp_path / "parts", resume=True)
    for name in ("last.safetensors", "best.safetensors", "last.json", "best.json", "state.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name


@contextmanager
def wished_at_once():
    yield lambda: True


def test_a_run_that_is_asked_to_stop_leaves_its_state_and_resumed_ends_the_same(dataset, recipe, tmp_path):
    """Before the first checkpoint there was only a log, and --resume silently began anew."""
    recipe = replace(recipe, checkpoint_every=100)
    train(recipe, dataset, tmp_path / "whole")
    for step in (1, 2, 3):
        with pytest.raises(TrainingStopped, match=f"after step {step} of 8; .*--resume"):
            train(recipe, dataset, tmp_path / "parts", resume=step > 1, stopping=wished_at_once)
        assert load_state(tmp_path / "parts" / "state.safetensors")[1]["step"] == step
    train(recipe, dataset, tmp_path / "parts", resume=True)
    for name in ("last.safetensors", "best.safetensors", "last.json", "best.json", "state.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name


def test_ctrl_c_stops_after_a_step_of_two_processes_too(tmp_path):
    write_dataset(tmp_path / "data")
    (tmp_path / "tiny.toml").write_text(RECIPE.format(steps=9000).replace("every = 5", "every = 9000"))
    arguments = ["tinytracker", "-q", "train", str(tmp_path / "tiny.toml"), "--data", str(tmp_path / "data")]
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    for launcher in ([], torchrun):
        out = tmp_path / f"run{len(launcher)}"
        process = subprocess.Popen(
            [sys.executable, "-m", *launcher, *arguments, "--out", str(out)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        while not list(out.glob("best.safetensors")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        told, wrong = process.communicate(timeout=120)
        assert re.findall(r"^stopped after step (\d+) of 9000", told, re.MULTILINE) == [
            str(load_state(out / "state.safetensors")[1]["step"])
        ], wrong
        assert launcher or process.returncode == INTERRUPTED, wrong


def test_resuming_what_is_not_there_is_told(dataset, recipe, tmp_path, capsys):
    write_dataset(tmp_path / "data")
    (tmp_path / "tiny.toml").write_text(RECIPE.format(steps=1))
    line = ["-q", "train", str(tmp_path / "tiny.toml"), "--data", str(tmp_path / "data"), "--resume"]
    for times in (1, 0):
        assert run([*line, "--out", str(tmp_path / "run")]) == 0
        told = capsys.readouterr().out
        assert told.count("holds no state.safetensors, so there is nothing to resume") == times


def test_what_is_refused_leaves_no_folder(dataset, recipe, tmp_path):
    for wrong in (
        replace(recipe, options={"size": 3}),
        replace(recipe, start="nothing"),
        replace(recipe, distillation=Distillation("nothing")),
        replace(recipe, model="eye_locator", options={}, distillation=Distillation("tinytracker")),
    ):
        with pytest.raises(TinytrackerError):
            train(wrong, dataset, tmp_path / "run")
    train_alone = make_dataset()
    train_alone.labels["split"][:] = "train"
    with pytest.raises(DatasetError):
        train(recipe, train_alone, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_training_that_diverges_ends_at_the_next_validation(dataset, recipe, tmp_path):
    """It went on to its end, and named a best.safetensors that was never written."""
    with pytest.raises(UsageError, match="training has diverged: after step"):
        train(replace(recipe, learning_rate=1e9, weight_decay=1e9, warmup_steps=0), dataset, tmp_path)
    assert not (tmp_path / "best.safetensors").exists()


@pytest.mark.parametrize("option", ["--start", "--teacher"])
def test_a_network_that_is_not_there_is_told_before_the_data_is_opened(option, tmp_path, capsys):
    line = ["train", "tinytracker-s", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "run")]
    assert run([*line, option, "nothing"]) != 0
    assert "no file or released network 'nothing'" in capsys.readouterr().err


def test_a_run_is_neither_overwritten_nor_continued_by_another(dataset, recipe, tmp_path):
    train(recipe, dataset, tmp_path)
    with pytest.raises(UsageError, match="--resume"):
        train(recipe, dataset, tmp_path)
    for another, seed, told in (
        (recipe, 3, r"run: seed \(--seed\) was 0 and is 3\. Give what"),
        (replace(recipe, ema=0.5), 0, r"run: recipe\.ema was 0\.9 and is 0\.5\."),
        (
            replace(recipe, model="itracker", loss="mse"),
            0,
            r"run: recipe\.model was tinytracker_s and is itr",
        ),
        (recipe.quick(4), 0, r"run: recipe\.steps \(--steps\) was 8 and is 4\."),
        (replace(recipe, start="tinytracker-s"), 0, r"\(--start\) was nothing and is tinytracker-s\."),
    ):
        with pytest.raises(CheckpointError, match=told):
            train(another, dataset, tmp_path, seed=seed, resume=True)
    before = (tmp_path / "last.safetensors").read_bytes()
    assert train(recipe, dataset, tmp_path, resume=True).best_score.value > 0
    assert (tmp_path / "last.safetensors").read_bytes() == before
    with pytest.raises(OutputError, match=r"cannot write into the folder .*last\.json"):
        train(recipe, dataset, tmp_path / "last.json")
    for device in ("nonsense", "cuda:99"):
        with pytest.raises(UsageError, match=f"torch has no device '{device}'"):
            train(recipe, dataset, tmp_path / "elsewhere", device=device)


def test_killed_with_kill_9_and_resumed_it_ends_the_same(tmp_path):
    write_dataset(tmp_path / "data")
    (tmp_path / "tiny.toml").write_text(RECIPE.format(steps=60))
    command = [
        sys.executable,
        "-m",
        "tinytracker",
        "-q",
        "train",
        str(tmp_path / "tiny.toml"),
        "--data",
        str(tmp_path / "data"),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "--out", str(tmp_path / "whole")], check=True, env=environment, capture_output=True
    )
    killed = subprocess.Popen(
        [*command, "--out", str(tmp_path / "parts")], env=environment, stderr=subprocess.DEVNULL
    )
    state = tmp_path / "parts" / "state.safetensors"
    while not state.exists() and killed.poll() is None:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert not (tmp_path / "parts" / "last.safetensors").exists()
    subprocess.run(
        [*command, "--out", str(tmp_path / "parts"), "--resume"],
        check=True,
        env=environment,
        capture_output=True,
    )
    for name in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name


def test_torchrun_with_two_processes(tmp_path):
    write_dataset(tmp_path / "data")
    (tmp_path / "tiny.toml").write_text(RECIPE.format(steps=6))
    out = tmp_path / "run"
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "--",
        "tinytracker",
    ]
    arguments = [
        "-q",
        "train",
        str(tmp_path / "tiny.toml"),
        "--data",
        str(tmp_path / "data"),
        "--out",
        str(out),
    ]
    arguments += [
        "--start",
        "tinytracker-s",
    ]  # which without -- torchrun would take for its own --start-method
    done = subprocess.run(
        [*launcher, *arguments],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "layers start as those of tinytracker-s" in done.stdout
    assert len(re.findall("^best:", done.stdout, re.MULTILINE)) == 1, "only the first process reports"
    assert checkpoint.load_network(out / "last.safetensors").spec.family == "tinytracker_s"
    assert load_state(out / "state.safetensors")[1]["identity"]["processes"] == 2


def test_distillation_learns_from_a_teacher(dataset, recipe, tmp_path):
    teacher = replace(recipe, name="teacher", model="tinytracker_eyes", options={"eye_px": 32, "face_px": 32})
    taught_by = train(teacher, dataset, tmp_path / "teacher").best
    # Weight 1 on the teacher's gaze and none on truth: the student can only have it from the teacher.
    student = replace(
        recipe, distillation=Distillation(str(taught_by), gaze=1.0, embedding=0.5), auxiliary=0.0
    )
    parts = []
    train(
        student,
        dataset,
        tmp_path / "student",
        teacher_progress=lambda done, total: parts.append((done, total)),
    )
    assert parts[-1] == (2, 2)
    network = checkpoint.load_network(tmp_path / "student" / "last.safetensors")
    assert network.spec.family == "tinytracker_s"
    assert not any("lesson" in name for name in network.state_dict())


def test_an_eye_locator_trains_and_cannot_teach_gaze(dataset, recipe, tmp_path):
    locator = replace(
        recipe,
        model="eye_locator",
        options={"size_px": 32},
        geometric=replace(recipe.geometric, rotation_deg=5.0),
    )
    result = train(locator, dataset, tmp_path / "locator")
    assert 0 < result.best_score.parts["median_percent"] < 200
    with pytest.raises(UsageError, match="of family eye locator"):
        train(replace(recipe, distillation=Distillation(str(result.best))), dataset, tmp_path / "student")


def test_without_truth_gaze_networks_train_and_the_locator_refuses(recipe, tmp_path):
    bare = make_dataset(truth=False)
    assert np.isfinite(train(recipe, bare, tmp_path / "gaze").best_score.value)
    with pytest.raises(DatasetError, match="truth_"):
        train(replace(recipe, model="eye_locator", options={}), bare, tmp_path / "locator")


@pytest.mark.parametrize("model", ["itracker", "tinytracker"])
def test_other_networks_train_in_bfloat16_and_float32(model, dataset, recipe, tmp_path):
    options = (
        {"size_px": 67} if model == "itracker" else {"size_px": 32, "position": "baked", "colour": "grey"}
    )
    small = replace(recipe, model=model, options=options, steps=2, batch_size=4)
    for precision in ("float32", "bf16"):
        result = train(replace(small, precision=precision), dataset, tmp_path / precision)
        assert np.isfinite(result.last_score.value)


def test_bfloat16_is_used_only_where_the_device_computes_in_it(dataset, recipe, tmp_path, monkeypatch):
    short = replace(recipe, steps=2)
    exact = train(short, dataset, tmp_path / "float32").last_score.value
    scores = {}
    for quick in (True, False):
        monkeypatch.setitem(train.__globals__, "is_quick_in_bf16", lambda device, quick=quick: quick)
        scores[quick] = train(
            replace(short, precision="bf16"), dataset, tmp_path / str(quick)
        ).last_score.value
    assert scores[False] == exact != scores[True]


def test_learning_rate_schedules(recipe):
    long = replace(recipe, steps=1000, warmup_steps=100, learning_rate=1.0)
    assert learning_rate(long, 0) == pytest.approx(0.01, rel=1e-3)
    assert learning_rate(long, 99) == pytest.approx(0.976, abs=1e-3)
    assert learning_rate(long, 999) == pytest.approx(0.01, rel=1e-2)
    paper = replace(long, schedule="exponential", decay_steps=100)
    assert learning_rate(paper, 200) == pytest.approx(0.81)


def test_a_broken_checkpoint_is_one_clear_line(tmp_path, dataset, recipe):
    result = train(replace(recipe, steps=2), dataset, tmp_path / "run")
    whole = result.last.read_bytes()
    result.last.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        checkpoint.load_network(result.last)
    result.last.write_bytes(result.best.read_bytes())
    card = card_path(Path(result.last))
    card.write_text(card.read_text().replace('"size_px": 32', '"size_px": 32, "squeeze_excite": true'))
    with pytest.raises(
        CheckpointError, match=r"does not fit its card.* tensors differ, first .* this version"
    ) as caught:
        checkpoint.load_network(result.last)
    assert len(str(caught.value)) < 500
