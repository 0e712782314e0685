"""Who asks: keys, certificates, clients, tokens, and the endpoint that hands tokens out.

Belongs here: making, rotating and reading what proves who somebody is. Does not belong here: what
Envoy is told about it (`gateway/`), and checking a token at a model server (`serving/`).
"""
