"""People who do not exist -> recordings -> a dataset -> a trained network.

So few people and steps teach it little; more of both do (docs: "A researcher with GazeCapture").
python examples/train_on_rendered_people.py work 20 200
"""

import sys
from dataclasses import replace
from pathlib import Path

import tinytracker as tt
from tinytracker.data.prepare import prepare
from tinytracker.synthetic.writer import SynthOptions, synthesise
from tinytracker.training.train import train

if len(sys.argv) != 4:
    sys.exit(__doc__)
folder, people, steps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

synthesise(folder / "people", people, SynthOptions(seed=5, frames=3))
summary = prepare(folder / "people", folder / "dataset")
print(f"{summary.kept} frames of {people} people")

recipe = replace(
    tt.load_recipe("tinytracker-s"), steps=steps, warmup_steps=0, validate_every=steps, checkpoint_every=steps
)
result = train(recipe, tt.Dataset.open(folder / "dataset"), folder / "run")
print(
    f"the best weights lie in {result.best}; export them with: tinytracker export {result.best} --data "
    f"{folder / 'dataset'}"
)
