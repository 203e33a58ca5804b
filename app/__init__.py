"""The Streamlit front end; nothing here knows torch."""

__all__ = ["VERSION"]

#: The same as in pyproject.toml.
VERSION = "0.1.0"
