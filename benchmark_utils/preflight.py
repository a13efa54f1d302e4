"""Look at everything that a `benchopt run` selects before it trains anything.

Benchopt makes datasets and solvers one after the other as it comes to them, so a
misspelt table would only be found after all searches on the first had been run,
and their results would be lost.
"""

import click
import yaml
from benchopt.benchmark import get_running_benchmark
from click.core import ParameterSource

from benchmark_utils.errors import fail


def look_at_selection() -> None:
    """Make and check every dataset, objective and solver of the running command.

    Fails with one clear line. Does nothing outside `benchopt run`, in its workers,
    or when called again.
    """
    context = click.get_current_context(silent=True)
    if context is None or context.info_name != "run" or __name__ in context.meta:
        return
    context.meta[__name__] = True
    benchmark = get_running_benchmark()
    datasets = benchmark.check_dataset_patterns(_patterns(context, "dataset"))
    objectives = benchmark.check_objective_filters(_patterns(context, "objective"))
    solvers = benchmark.check_solver_patterns(
        _patterns(context, "solver") + list(context.params["force_solver"])
    )
    objectives, solvers = list(_instances(objectives)), list(_instances(solvers))
    asked_for = bool(_patterns(context, "dataset"))
    problems = {}
    for dataset in _instances(datasets):
        data = dataset.get_data()
        if data["problem"] is not None:
            problems[dataset] = data["problem"]
        elif asked_for:
            fail(f"{dataset}: {data['unavailable']}")
    named = bool(_patterns(context, "solver"))
    for solver in solvers:
        _look_at_solver(solver, objectives, problems, named)


def _look_at_solver(solver, objectives, problems, named):
    # A list of configurations belongs to one space: it must fit one of the problems.
    reasons = [
        f"{solver} on {dataset}: {reason}"
        for dataset, problem in problems.items()
        for objective in objectives
        if (reason := solver.unfit(problem.space, objective.n_trials))
    ]
    if problems:
        solver.check_together([problem.space for problem in problems.values()])
    if named and problems and len(reasons) == len(problems) * len(objectives):
        fail(reasons[0])


def _patterns(context, option):
    """Return what was selected, on the command line or in the --config file."""
    value = context.params[option]
    source = context.get_parameter_source(option)
    if source is ParameterSource.DEFAULT and context.params["config_file"]:
        with open(context.params["config_file"]) as file:
            value = (yaml.safe_load(file) or {}).get(option, ())
    return list(value) if isinstance(value, list | tuple) else [value]


def _instances(selected):
    """Make every combination of the selected classes' parameters, as benchopt does."""
    from benchopt.benchmark import _list_parametrized_classes

    for instance, is_installed in _list_parametrized_classes(*selected):
        if is_installed:
            yield instance
