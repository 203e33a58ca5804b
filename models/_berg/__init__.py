"""What stands behind :mod:`models.berg`."""
