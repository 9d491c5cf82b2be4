"""Commands for working with a stack that stands: config, env, run, ui.

Options and print only; the work is in the rooms beside `commands`.
"""
