from benchmark_utils.optuna_space import Genetic


class Solver(Genetic):
    """Genetic algorithm: the best of parents and children are the next parents.

    Holland 1975; its operators for numbers: simulated binary crossover (Deb & Agrawal
    1995) and polynomial mutation (Deb & Goyal 1996). Through optuna's NSGAIISampler,
    which with one objective is an elitist genetic algorithm with binary tournaments;
    chosen over pymoo, equal in quality here, for its ask and tell of single trials.

    It starts with a random population. Small populations, because budgets are small.
    Numbers are crossed on their own scale (linear or log), ordinals as integers;
    categories are taken from either parent and mutated by a new draw. Conditional
    hyperparameters are not inherited but drawn at random: on a mixed space this was
    better than to pass on values that did not matter. A child can equal an earlier
    trial, and is then trained again.
    """

    name = "genetic"
