"""Geometry and speed of every design that samples the unit cube.

    python benchmarks/designs.py [--seeds 31]

For n = 64 points in d dimensions, medians over seeds: smallest distance between two
points (in the cube, on the torus), centred L2 discrepancy, share of points in the outer
half of the volume, and milliseconds; then seconds for n = 1,000, on one core.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from benchopt.benchmark import Benchmark

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils import geometry  # noqa: E402
from benchmark_utils.strategies import Design  # noqa: E402


def designs() -> dict[str, Design]:
    """Return every solver that samples the unit cube, by name."""
    classes = Benchmark(ROOT).get_solvers()
    return {
        cls.name: cls.get_instance()
        for cls in classes
        if issubclass(cls, Design) and cls.sample is not Design.sample
    }


def drawn(design: Design, n: int, d: int, seed: int) -> tuple[np.ndarray, float]:
    """Return the points and the seconds that they took."""
    start = time.perf_counter()
    points = design.sample(n, d, np.random.default_rng(seed))
    return points, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=31)
    seeds = range(parser.parse_args().seeds)
    print(
        "| d | design | distance | periodic | discrepancy | outer half | n = 64, ms "
        "| n = 1000, s |\n|---|---|---|---|---|---|---|---|"
    )
    for d in (2, 3, 4, 6, 8):
        for name, design in designs().items():
            design.sample(2, d, np.random.default_rng(0))  # imports, first calls
            samples, seconds = zip(
                *(drawn(design, 64, d, seed) for seed in seeds), strict=True
            )
            measures = [
                np.median([measure(points) for points in samples])
                for measure in (
                    geometry.smallest_distance,
                    lambda points: geometry.smallest_distance(points, periodic=True),
                    geometry.centred_discrepancy,
                    geometry.outer_share,
                )
            ]
            numbers = " | ".join(f"{m:.3f}" for m in measures)
            large = max(drawn(design, 1000, d, seed)[1] for seed in range(3))
            milliseconds = 1e3 * np.median(seconds)
            print(f"| {d} | {name} | {numbers} | {milliseconds:.1f} | {large:.2f} |")


if __name__ == "__main__":
    main()
