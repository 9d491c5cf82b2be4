"""What `Pulumi.<stack>.yaml` may say under `azmlflow:`, checked whole before anything is done.

What is made of the settings is in `plan` and `components`.
"""
