"""The pages beside MLflow's, a file for each tab; each fact is asked of Resource Manager, with the rights of who looks.

How pages look is above (`style.py`, `html.py`, `charts.py`); how they are reached is in `services/ui.py`.
"""
