"""What `make proto` wrote from open_inference.proto; nothing here is written by hand.

Belongs here: generated code alone. Does not belong here: anything else.
"""
