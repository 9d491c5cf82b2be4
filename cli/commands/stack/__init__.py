"""Commands about a stack's life: init, up, preview, status, doctor, down, sweep.

Options and print only; the work is in the rooms beside `commands`.
"""
