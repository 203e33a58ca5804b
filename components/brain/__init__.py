"""The WebGL surface viewer."""
