"""The modes of a network, one file each: all that is a mode's own, as one record.

What is said of a network beside its mode is in the room above, which asks the record and compares no names.
"""
