"""`evergreen demo`: months of a model's life in minutes, on real flights.

Belongs here: what is done when (`story.py`) and told meanwhile (`following.py`), with which
parameters (`ground.py`) and requests (`traffic.py`, `broken.py`); what happened (`events.py`), how
good the answers were (`quality.py`), what came of it (`telling.py`) and how that is shown
(`pages.py`, `views.py`). Does not belong here: anything that a user could not do by a verb; the
clone in which it happens is `flows.throwaway`'s.
"""
