"""`imx500`: Sony's image sensor that runs networks, as in the Raspberry Pi AI Camera."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from tinytracker.cards import renamed
from tinytracker.costs.rows import CostRow
from tinytracker.errors import DeviceError, UsageError
from tinytracker.extras import need
from tinytracker.files import refuse_unwritable
from tinytracker.findings import Finding
from tinytracker.results import Row
from tinytracker.synthetic.unseen import CLIP_PEOPLE
from tinytracker.targets.options import SENSOR_SAMPLES, CalibrationSamples, Data, Name, QatSteps
from tinytracker.targets.target import Caller, Live, Option, Target, Work
from tinytracker.tracking.options import TrackOptions
from tinytracker.zoo import refuse_no_checkpoint

WORDS = {"float": "float", "tflite_int8": "int8 TFLite", "imx500": "IMX500"}


def lint(model: Path) -> list[Finding]:
    """A checkpoint against the sensor's limits."""
    need("torch", "imx500")
    from tinytracker.targets.imx500 import lint as imx500

    return imx500.lint(model)


def export(
    model: Path,
    out: Path,
    caller: Caller,
    *,
    name: Name = None,
    data: Data = None,
    calibration_samples: CalibrationSamples = None,
    qat_steps: QatSteps = None,
    roi: Annotated[
        str | None,
        Option(
            "Where the region stays, for a network with a grid; shares of the picture.", metavar="X,Y,W,H"
        ),
    ] = None,
) -> None:
    """Writes NAME_imx500.onnx with its card, packerOut.zip, the memory report and network_intrinsics.json."""
    refuse_no_checkpoint(model)
    if not data:
        raise UsageError("Sony's quantiser needs training people to calibrate on; give --data DATASET")
    need("torch", "imx500")
    from tinytracker.models.checkpoint import load_card, load_network
    from tinytracker.targets.imx500.making import toolchain
    from tinytracker.targets.imx500.making.bake import parse_region
    from tinytracker.targets.imx500.making.convert import ConvertOptions, convert
    from tinytracker.targets.imx500.making.quantise import QuantiseOptions

    toolchain.require()
    network, card = load_network(model), load_card(model)
    card = renamed(card, name)
    others = [path.name for path in out.glob("*.onnx") if path.name != f"{card.name}_imx500.onnx"]
    if others:
        raise UsageError(
            f"{out} holds {others[0]} already, and the sensor takes one network a folder; give another --out"
        )
    options = ConvertOptions(
        calibration_samples=calibration_samples or SENSOR_SAMPLES,
        region=parse_region(roi) if roi else None,
        quantise=QuantiseOptions() if qat_steps is None else QuantiseOptions(qat_steps=qat_steps),
    )
    dataset = caller.open_dataset(data)
    with caller.stages() as told:
        made = convert(network, card, dataset, out, options, told)
    memory, (low_ms, high_ms) = made.memory, made.estimated_ms
    caller.say(f"wrote {made.packed} and {made.onnx} ({made.route})")
    caller.say(
        f"  memory on the chip: {memory.weights_bytes:,} bytes of weights, {memory.working_bytes:,} for "
        "maps, "
        f"{100 * memory.share:.1f} % of {memory.available_bytes:,} (the converter's report)"
    )
    caller.say(
        f"  time on the chip: {low_ms:.1f} to {high_ms:.1f} ms (estimated from its multiply-accumulates)"
    )
    errors = ", ".join(f"{WORDS[name]} {error:.3f}" for name, error in made.errors_cm.items())
    people = made.split if roi is None else f"{made.split}'s faces that lie about the region"
    caller.say(f"  mean error in cm on {people}: {errors} (the IMX500's emulated)")


def deploy(folder: Path, caller: Caller) -> None:
    """Packages packerOut.zip with the vendor's packer, on the Raspberry Pi."""
    from tinytracker.targets.imx500.chip.memory import PACKER_OUT
    from tinytracker.targets.imx500.deploy import NETWORK, checks, package

    found = checks()
    for check in found:
        caller.say(f"found   {check.what}" if check.is_there else f"missing {check.what}: {check.remedy}")
    network, made = package(folder)
    registers = made.registers
    caller.say(
        f"packaged {network}: {made.width_px} x {made.height_px} px, {registers.order}, "
        f"{'int8' if registers.is_signed else 'uint8'}, {network.stat().st_size:,} bytes from {PACKER_OUT}"
    )
    missing = [check.what for check in found if not check.is_there]
    if missing:
        raise DeviceError(
            f"{NETWORK} is packaged, but the camera cannot be used yet: no {', no '.join(missing)}"
        )
    caller.say(f"next: tinytracker track imx500:{network}")


def bench(
    models: Sequence[str],
    caller: Caller,
    *,
    board: Annotated[
        str | None,
        Option("Measure on this camera instead of estimating: imx500:network.rpk.", metavar="BOARD"),
    ] = None,
    frames: Annotated[
        int | None, Option("Frames to measure on a camera.", min=10, shown_default="300")
    ] = None,
    sensor_mode: Annotated[
        str | None, Option("How the sensor reads out: full or binned.", shown_default="both")
    ] = None,
) -> list[CostRow]:
    """The account of time and energy: estimated, published, and measured on a camera."""
    from tinytracker.targets.imx500.chip.sensor import MODES, mode_named
    from tinytracker.targets.imx500.measure import estimates, estimates_of_the_paper, measured, published

    if frames is not None and board is None:
        raise UsageError("--frames are measured on a camera; give it by --board, or leave --frames out")
    modes = [mode_named(sensor_mode)] if sensor_mode else list(MODES.values())
    accounts = list(estimates(models, modes))
    if not models and board is None:
        accounts += estimates_of_the_paper(modes)
    if board is not None:
        with caller.bar("Measuring") as update:
            accounts.append(measured(board, frames or 300, sensor_mode or "binned", update))
    accounts.append(published())
    for account in accounts:
        caller.say(account.table())
    return [row for account in accounts for row in account.rows()]


def simulate(
    video: str | None,
    model: Path | None,
    caller: Caller,
    *,
    sensor_mode: Annotated[str, Option("How the sensor reads out: full or binned.")] = "binned",
    full_speed: Annotated[
        bool, Option("Read out as fast as the sensor can, not as the Raspberry Pi's driver does.")
    ] = False,
    lag: Annotated[
        list[int] | None,
        Option(
            "Frames from commanding a region to the first frame cut by it; again to compare. Default: 2.",
            min=1,
        ),
    ] = None,
    predict: Annotated[
        bool,
        Option(
            "Put the region where the moving face will be, or where it is.", flag="--predict/--no-predict"
        ),
    ] = True,
    csv: Annotated[Path | None, Option("Write the gaze rows of a single lag as CSV.", metavar="FILE")] = None,
    plot: Annotated[
        Path | None,
        Option("Draw error against lag, for a rendered person (.png, .svg, .pdf).", metavar="FILE"),
    ] = None,
    people: Annotated[
        int | None,
        Option("How many people are rendered.", min=1, max=len(CLIP_PEOPLE), shown_default="3"),
    ] = None,
    seconds: Annotated[
        float | None,
        Option("Length of each rendered clip.", min=1.0, max=600.0, shown_default="10.0"),
    ] = None,
    motion: Annotated[
        float | None,
        Option(
            "How much the rendered head moves; 1 is sitting still-ish.",
            min=0.0,
            max=5.0,
            shown_default="3.0",
        ),
    ] = None,
    readout: Annotated[
        bool,
        Option(
            "Instead of lags compare the read-out modes, on people rendered at the sensor's own pixels.",
            flag="--readout",
        ),
    ] = False,
) -> None:
    """A video's pictures through the simulated sensor or, without one, error against lag (or, with --readout,
    against the way of reading out) on rendered people."""
    if model is None:
        raise UsageError("give the network: --model DIR, what `tinytracker export --target imx500` wrote")
    if readout:
        if video is not None or plot or csv or lag or seconds or motion:
            raise UsageError(
                "--readout renders still people and prints a table; leave out the video, --lag, --seconds, "
                "--motion, --csv and --plot"
            )
        _compare_readout(model, people or 3, caller)
        return
    lags = list(dict.fromkeys(lag or [2]))
    if video is not None and (plot or len(lags) > 1):
        raise UsageError(
            "errors against lag need a known truth: leave the video out, and a person is rendered"
        )
    rendered = {"people": people, "seconds": seconds, "motion": motion}
    for name, value in rendered.items():
        if video is not None and value is not None:
            raise UsageError(f"--{name} is of rendered people; leave it out, or leave out {video}")
    for written in (csv, plot):
        if written is not None:
            refuse_unwritable(written)
    if csv is not None and len(lags) > 1:
        raise UsageError("--csv holds the rows of one lag; give --lag once")

    from tinytracker.targets.imx500.chip.sensor import mode_named
    from tinytracker.targets.imx500.lag_study import study_people
    from tinytracker.targets.imx500.running.network import load_exported
    from tinytracker.targets.imx500.simulated import LagSettings, track_video

    network, mode = load_exported(model), mode_named(sensor_mode)
    if video is not None:
        track_video(network, mode, video, LagSettings(lags[0], predict, full_speed), csv, caller)
        return
    people = 3 if people is None else people
    if csv is not None and people > 1:
        raise UsageError("--csv holds the rows of one clip; give --people 1")
    study = study_people(
        network,
        mode,
        CLIP_PEOPLE[:people],
        [LagSettings(one, predict, full_speed) for one in lags],
        10.0 if seconds is None else seconds,
        3.0 if motion is None else motion,
        csv,
        caller,
    )
    caller.say(study.table())
    caller.say(f"always the middle of each person's dots: {study.always_the_middle_cm:.2f} cm")
    if csv is not None:
        caller.say(f"written: {csv}")
    if plot is not None:
        study.draw(plot, f"IMX500, emulated: {network.card.name}, rendered people who move the head")
        caller.say(f"drew {plot}")


def _compare_readout(model: Path, people: int, caller: Caller) -> None:
    from tinytracker.targets.imx500.readout_study import Seer, looking_through, study_readout
    from tinytracker.targets.imx500.running.network import load_exported

    network = load_exported(model)
    seer = Seer(network.card.name, int(network.card.counts.get("macs", 0)), looking_through(network))
    with caller.bar("Rendering") as update:
        (found,) = study_readout([seer], CLIP_PEOPLE[:people], progress=update, stop=caller.stop)
    caller.say(found.table())


def track(
    place: str,
    options: TrackOptions,
    caller: Caller,
    *,
    sensor_mode: Annotated[
        str, Option("How the sensor reads out: full (10 frames/s) or binned (30).")
    ] = "binned",
    roi: Annotated[
        str | None,
        Option("A region that stays, in full-sensor pixels, not one on the face.", metavar="X,Y,W,H"),
    ] = None,
    measure_lag: Annotated[
        bool,
        Option("First measure how late results follow a region.", flag="--measure-lag/--no-measure-lag"),
    ] = True,
) -> Live:
    """The camera at this Raspberry Pi, with the packaged network `place`."""
    from tinytracker.targets.imx500 import open as chip

    fps = options.frames_per_second
    if fps is not None and not 1 <= fps <= 60:
        raise UsageError(f"the AI Camera takes --fps 1 to 60, not {fps:g}")
    if options.mirrored:
        raise UsageError("the AI Camera does not mirror; leave --mirrored out")
    opened = chip.open_chip(
        f"{chip.PREFIX}{place}", chip.ChipOptions(sensor_mode, fps, roi, measure_lag), options
    )

    def measure() -> None:
        found = chip.measure_lag(opened.camera, opened.gaze)
        unknown = "the loop's lag could not be measured; estimated from the sensor's run times"
        known = f"the loop's lag: {found} frames from a region's command to its first result"
        caller.say(unknown if found is None else known)

    if measure_lag and opened.gaze.fixed_roi is None:
        opened.camera.on_open = measure
    return Live(opened.camera, opened.pipeline, opened.tell, opened.gaze.model.card)


def export_without_linux(
    model: Path,
    out: Path,
    caller: Caller,
    *,
    roi: Annotated[
        str | None,
        Option(
            "Where the sensor looks, full-sensor pixels.",
            metavar="X,Y,W,H",
            shown_default="the largest in the middle",
        ),
    ] = None,
) -> None:
    """Writes a project for a Raspberry Pi Pico 2; `model` is a folder that `export --target imx500` wrote."""
    from tinytracker.targets.imx500.chip.sensor import parse_roi
    from tinytracker.targets.imx500.deploy import find_card
    from tinytracker.targets.imx500.without_linux import middle_roi, write_project

    card = find_card(model if model.is_dir() else model.parent)
    region = parse_roi(roi) if roi else middle_roi(card)
    write_project(card, region, out)
    caller.say(
        f"wrote {out}: {card.name} in the sensor, read by a Pico 2; README.md says how to build, and what "
        f"no test has seen"
    )


def evaluate(
    place: str,
    data: Sequence[Path],
    split: str,
    caller: Caller,
    *,
    limit: Annotated[int | None, Option("Only so many samples, evenly chosen.", min=1)] = None,
) -> list[Row]:
    """Runs a split's crops on the chip, injected past its image processor; goes on where it was stopped."""
    from tinytracker.targets.imx500.evaluate import evaluate_by_injection
    from tinytracker.targets.imx500.open import PREFIX, network_in

    network, dataset = network_in(f"{PREFIX}{place}"), caller.open_dataset(data)
    with caller.bar("Injecting") as update:
        made = evaluate_by_injection(network, dataset, split, limit=limit, progress=update, stop=caller.stop)
    if made.refused is not None:
        tried = f"{made.refused} injections refused (errno 121) and {made.lost} frames lost"
        caller.say(f"{tried}: all tried again")
    caller.say(f"{made.done} of {made.wanted} samples run on the chip; log: {made.log}")
    return made.rows


def targets() -> Iterable[Target]:
    return (
        Target(
            "imx500-mcu",
            "an IMX500 module on a microcontroller, without Linux",
            export=Work(
                export_without_linux,
                "a Pico 2 project that reads the sensor's network over SPI",
                ("tinytracker export exported --target imx500-mcu --out pico",),
            ),
        ),
        Target(
            "imx500",
            "the AI Camera (Sony's IMX500)",
            lint=Work(
                lint,
                "whether the sensor runs a checkpoint, and how well",
                ("tinytracker lint runs/imx/best.safetensors --target imx500",),
            ),
            export=Work(
                export,
                "a checkpoint through Sony's quantiser and converter",
                ("tinytracker export runs/band/best.safetensors --target imx500 --data dataset --out band",),
            ),
            deploy=Work(
                deploy,
                "on a Raspberry Pi: the vendor's packer makes network.rpk of the export",
                ("tinytracker deploy imx500 exported",),
            ),
            bench=Work(
                bench,
                "read-out, transfer, inference, result, the host's part, energy; estimated, or measured on a "
                "camera",
                (
                    "tinytracker bench imx500 exported/tinytracker-imx.onnx",
                    "tinytracker bench imx500 --board imx500:exported/network.rpk --csv costs.csv",
                ),
            ),
            simulate=Work(
                simulate,
                "the sensor's cut, scaling, registers and quantised network, with its lags",
                (
                    "tinytracker simulate imx500 me.mp4 --model exported --csv gaze.csv",
                    "tinytracker simulate imx500 --model exported --lag 1 --lag 4 --lag 8 --plot lag.png",
                    "tinytracker simulate imx500 --model exported --readout --people 10",
                ),
            ),
            evaluate=Work(
                evaluate,
                "imx500:NETWORK.rpk, the crops injected into the chip",
                (
                    "tinytracker evaluate --board imx500:exported/network.rpk --inject dataset --csv "
                    "on_chip.csv",
                ),
            ),
            track=Work(
                track,
                "imx500:NETWORK.rpk, the network in the sensor of the Raspberry Pi AI Camera",
                ("tinytracker track imx500:exported/network.rpk --csv gaze.csv",),
            ),
        ),
    )
