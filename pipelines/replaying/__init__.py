"""Real months as traffic: their rows are asked, and their labels follow when they were known.

Belongs here: what is sent when (`schedule.py`, `rows.py`), where a replay stands (`standing.py`),
and the sending (`sending.py`). Does not belong here: reading a source, which is its dataset's.

Answers are logged with the time of the server's clock, not with that of the data. A header that
says otherwise would be believed by everything that counts on that clock: retention, windows, the
checks for clocks that jump. So windows of a replay are by count (`monitor.window_rows`), and what
of the data is there by now is known from the replay itself.
"""
