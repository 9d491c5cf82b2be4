"""What watches over resources and stands on any of them: diagnostic settings and budgets.

What keeps people from changing them, locks and roles, is in `foundation`.
"""
