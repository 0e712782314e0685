"""One file per stage of dvc.yaml: files in, files out, deterministic.

Each module has `run(paths, settings)`. Does not belong here: anything that looks at the world
outside the stage's declared inputs, or at the clock; that is the flow's.
"""
