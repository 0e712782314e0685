"""What people and Prometheus are told of the state store: messages, and metrics.

    reading -> noticing -> messages -> told (once) -> sending
           `-> exposition

Belongs here: what is worth a message, its words and its next step, who was told already, and the
metrics that no server has. Does not belong here: anything that decides about a model. A message
that cannot be sent never stops what it tells of.
"""
