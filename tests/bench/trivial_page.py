"""The smallest page that still shows something."""

import streamlit as st

st.write("Nothing to see.")
