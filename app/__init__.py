"""The Streamlit front end; nothing here knows torch."""
