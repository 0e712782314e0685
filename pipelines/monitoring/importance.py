"""Which features matter enough to alarm about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_FEATURE = "feature "


def important_features(
    columns: Iterable[str], importance: Mapping[str, float], share: float
) -> frozenset[str]:
    """The columns whose drift may alarm.

    Answers always may, and so may the measurements of images. Of the features those may that
    together make up `share` of what the model loses when features are shuffled: the drift of a
    column that it hardly listens to changes nothing. Without that knowledge all of them may.

    Args:
        columns: as in `Baseline.references`.
        importance: by feature, what the measure loses without it.
        share: of the sum of all that is lost, above 0 and at most 1.
    """
    listed = list(columns)
    features = {name.removeprefix(_FEATURE): name for name in listed if name.startswith(_FEATURE)}
    others = frozenset(listed) - frozenset(features.values())
    lost = {name: importance[name] for name in features if importance.get(name, 0) > 0}
    whole = sum(lost.values())
    if not whole:
        return frozenset(listed)
    chosen, reached = set(), 0.0
    for name in sorted(lost, key=lambda name: -lost[name]):
        if reached >= share * whole:
            break
        chosen.add(features[name])
        reached += lost[name]
    return others | chosen
