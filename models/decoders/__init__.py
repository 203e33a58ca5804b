"""Readers that are trained: from patterns of activity to features of the picture behind them.

Nothing here is imported before it is asked for; torch comes with :mod:`models.decoders.losses`,
``networks`` and ``training`` only.
"""
