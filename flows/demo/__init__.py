"""`evergreen demo`: a year's loop in minutes, on real flights.

Belongs here: what is done when (`story.py`), with which parameters (`ground.py`), what is planted
(`planted.py`), how good the answers were (`quality.py`), what happened (`events.py`), and how it is
shown (`page.py`, `views.py`). Does not belong here: anything a user could not do by a verb; the
clone that it happens in is `flows.throwaway`'s.
"""
