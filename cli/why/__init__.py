"""What an error of MLflow, the SDKs, az, Pulumi or a job means, and whether the stack bears it out.

A table of records recognises the text; how its questions are put to the stack is beside it. Nothing is mended here.
"""
