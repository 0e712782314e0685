"""What the verbs print: text for people, JSON for programs; a file for each of `flows/cli`.

Belongs here: tables, colors and sentences. Does not belong here: finding out what is so (that is
a function of `flows`); a view is given all that it prints.
"""
