from benchmark_utils.components import ProblemDataset, one_of, whole_number
from benchmark_utils.errors import fail
from benchmark_utils.problems.simulated import LANDSCAPES, Simulated


class Dataset(ProblemDataset):
    """Response surfaces in the unit cube whose optimum, with loss 0, is known."""

    name = "simulated"

    # effective_dims: how many of the n_dims hyperparameters matter (None: all).
    # noise: standard deviation of the validation loss.
    parameters = {
        "n_dims": [2],
        "effective_dims": [None],
        "noise": [0],
        "landscape": ["bowl"],
    }
    test_parameters = {"landscape": ["bowl", "basins", "valley"]}

    def check(self):
        whole_number("simulated: n_dims", self.n_dims, low=1)
        if self.effective_dims is not None:
            whole_number("simulated: effective_dims", self.effective_dims, low=1)
            if self.effective_dims > self.n_dims:
                fail(
                    f"simulated: effective_dims={self.effective_dims} is more than "
                    f"n_dims={self.n_dims}"
                )
        number = isinstance(self.noise, int | float) and self.noise is not True
        if not number or not 0 <= self.noise < float("inf"):
            fail(f"simulated: noise={self.noise!r} must be a number, 0 or more")
        one_of("landscape", self.landscape, LANDSCAPES)

    def problem(self):
        effective_dims = self.effective_dims or self.n_dims
        return Simulated(self.n_dims, effective_dims, self.noise, self.landscape)
