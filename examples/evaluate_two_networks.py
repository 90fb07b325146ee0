"""Two networks on the same test people: errors with their 95 % intervals over people.

tinytracker synth people --people 60 && tinytracker prepare people dataset
python examples/evaluate_two_networks.py dataset
"""

import sys
from pathlib import Path

import tinytracker as tt
from tinytracker.evaluation.evaluate import evaluate
from tinytracker.results import value_of

NETWORKS = ("tinytracker-eyes", "tinytracker-s")

if len(sys.argv) != 2:
    sys.exit(__doc__)
dataset = tt.Dataset.open(Path(sys.argv[1]))
rows = evaluate(NETWORKS, dataset, "test").rows
for name in NETWORKS:
    error = value_of(rows, name, "error")
    print(f"{name}: {error.value:.2f} cm [{error.low:.2f}, {error.high:.2f}]")
