"""`configs/neural.yml` on real files, cut short: what CI runs of it."""

import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, SHARED

for module in ("torch", "torchvision"):
    pytest.importorskip(module)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a data_home with all real files."""
    if not (SHARED / "unpack.py").is_file():
        pytest.skip("the real data are not in ../shared/data")
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, str(SHARED / "unpack.py"), str(home)]
    subprocess.run(command, check=True, capture_output=True)
    return home


def test_every_neural_problem_is_searched(benchopt, home, monkeypatch):
    monkeypatch.setenv("BENCHOPT_DATA_HOME", str(home))
    monkeypatch.setenv("TORCH_HOME", str(SHARED / "torch_home"))
    config = ROOT / "configs" / "neural.yml"
    short = ["-o", "hpo[n_trials=2]", "-s", "random", "-r", "1"]
    code, output, rows = benchopt("--config", str(config), *short)
    assert code == 0, output
    wanted = yaml.safe_load(config.read_text())["dataset"]
    assert rows["dataset_name"].nunique() == len(wanted)
    assert len(rows) == 2 * len(wanted)
    assert (rows["objective_status"] == "ok").all()
    assert rows["objective_test_loss"].notna().all()
