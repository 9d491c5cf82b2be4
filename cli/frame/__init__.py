"""What every room of the command line says things with: typed errors, words, becoming a user's command.

It knows no project, no stack and no cloud.
"""
