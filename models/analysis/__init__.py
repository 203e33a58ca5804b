"""Pure functions on arrays of responses."""
