"""The rules that hold for every model, whatever its expectations.yaml says."""
