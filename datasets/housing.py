import warnings
from functools import lru_cache

import numpy as np
from benchopt.config import get_data_path
from sklearn.datasets import fetch_california_housing, get_data_home

from benchmark_utils.components import ProblemDataset, one_of, whole_number
from benchmark_utils.downloads import published_table
from benchmark_utils.errors import Unavailable, fail
from benchmark_utils.learners import by_name, lightgbm
from benchmark_utils.problems.trained import Trained
from benchmark_utils.tables import Table, make_table

ADDRESS = (
    "https://raw.githubusercontent.com/troelspetersen/STEMacademyML/"
    "7897170f81d9bd166e8e6792b9fb366f21e17626/Huspriser/HousingPrices_selected.csv"
)
SHA256 = "8e5e6aebfabfbb3ae453f9cd53015544f19373f09c60a8dca245e3fbcfc53c69"
COLUMNS = [
    "Postnummer", "Husnummer", "Kvadratmeter", "Grundareal", "Byggeår",
    "Afstand_skole", "Afstand_supermarked", "Salgspris", "Etage", "Type",
]  # fmt: skip
LOWEST_PRICE = 100_000  # kroner; below it, sales were not at market prices


@lru_cache
def california() -> Table:
    """20,640 Californian districts; the target is the logarithm of the price."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one for every retry
            bunch = fetch_california_housing(as_frame=True)
    except OSError as error:
        raise Unavailable(
            f"the Californian sales could not be downloaded ({error}): connect to the "
            f"network, or put cal_housing_py3.pkz into {get_data_home()}"
        ) from error
    price = np.log(bunch.target)
    return make_table("california", bunch.data, price, "regression")


@lru_cache
def denmark() -> Table:
    """47,277 Danish home sales; the target is the logarithm of the price."""
    sales = published_table(ADDRESS, SHA256, get_data_path("housing"), COLUMNS)
    sales = sales[sales["Salgspris"] >= LOWEST_PRICE]
    price = np.log(sales["Salgspris"])
    return make_table("denmark", sales.drop(columns="Salgspris"), price, "regression")


MARKETS = {"california": california, "denmark": denmark}
LEARNERS = {
    **by_name.LEARNERS,
    "lightgbm": lambda table: lightgbm.copenhagen(),
    "lightgbm-practitioners": by_name.LEARNERS["lightgbm"],
}


class Dataset(ProblemDataset):
    """Prices of homes, in disjoint batches of real sales.

    As in the Copenhagen study (2023), the size of a batch is drawn from a Gaussian
    with mean `split_size` and a tenth of it as its standard deviation (the study
    had 10,000). The learner `lightgbm` is the study's: learning rate and maximum
    depth, with early stopping.
    """

    name = "housing"
    requirements = ["pip::scikit-learn", "pip::lightgbm", "pip::pandas", "pip::pooch"]

    parameters = {
        "market": ["california", "denmark"],
        "learner": ["lightgbm"],
        "split_size": [2000],
    }
    test_config = {"market": "california"}

    def check(self):
        one_of("market", self.market, MARKETS)
        one_of("learner", self.learner, LEARNERS)
        whole_number("housing: split_size", self.split_size, low=50)

    def problem(self):
        table = MARKETS[self.market]()
        if self.split_size > len(table.y):
            fail(
                f"housing: split_size={self.split_size} is more than the "
                f"{len(table.y)} sales of {self.market}"
            )
        learner = LEARNERS[self.learner](table)
        return Trained(table, learner, self.split_size, spread=self.split_size / 10)
