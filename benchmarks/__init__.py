"""Ratios of two things run side by side; `make bench` prints them all."""
