"""Pictures without Streamlit."""
