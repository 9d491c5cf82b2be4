"""Commands for working with a stack that stands: config, env, run, ui; and for taking one over.

Options and print only; the work is in the rooms beside `commands`.
"""
