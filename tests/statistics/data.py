"""Small labelled samples, ties and all."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def labelled(draw, columns=1):
    """Labels with both classes, and score columns from few values so that ties are common."""
    size = draw(st.integers(4, 40))
    labels = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    labels[0], labels[1] = 0, 1
    values = st.lists(
        st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), min_size=size, max_size=size
    )
    scores = [np.array(draw(values)) for _ in range(columns)]
    return np.array(labels, dtype=np.float64), *scores


def sample(rows, seed, prevalence=0.3, apart=1.2):
    generator = np.random.default_rng(seed)
    labels = (generator.random(rows) < prevalence).astype(np.float64)
    scores = 1 / (1 + np.exp(-(apart * labels + generator.normal(size=rows))))
    return labels, scores
