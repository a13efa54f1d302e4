"""Everything shared: search, strategies, problems, learners, statistics."""
