"""The rules that hold for every model, whatever its expectations.yaml says.

Belongs here: what no table may be, found with pandas and told as a result like any other. Does
not belong here: a rule that a model could rightly do without; that one is for expectations.yaml.
"""
