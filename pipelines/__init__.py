"""What happens to data and models: stages, gates, packaging, serving, state.

Belongs here: everything that turns files into files or values into verdicts.
Does not belong here: anything that decides *when* work runs. Nothing below this package
imports Prefect; `flows/` does that.
"""
