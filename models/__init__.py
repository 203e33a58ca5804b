"""Predict brain activity: a plain Python library, usable without the app."""
