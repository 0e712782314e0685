"""Why a model answers as it does, and what a person should know before relying on it.

Here belong SHAP values of the exported graph (of the rows of a report, or of a file that somebody
brings) and the model card. How good a model is does not belong here: that is
`pipelines.evaluation`, whose numbers the card repeats. Only `library` imports shap, which is
optional.
"""
