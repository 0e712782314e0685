"""What runs inside a bento: from rows to probabilities.

Here belong the encoding of features, the ONNX session and the BentoML service. Nothing here may
import scikit-learn, pandas, pyarrow or anything else that only training needs: what is imported
here is what every model server installs, loads and keeps in memory.
"""
