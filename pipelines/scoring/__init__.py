"""Scoring a whole file with a model folder, in memory that does not grow with the file.

Here belong reading CSV and Parquet in batches, scoring the batches, and writing the answers all
or nothing. Encoding features does not: that is `pipelines.inference.encode`, as everywhere.
"""

from pipelines.scoring.predict import ScoringResult, predict_file

__all__ = ["ScoringResult", "predict_file"]
