"""Our brain viewer beside ``st.plotly_chart`` and nilearn's ``view_surf``, in headless Chromium.

    python tests/bench/bench_viewer.py [--quick] [--mesh fsaverage5 ...]

All three show the same meshes and the same activity inside Streamlit, in the same run, in turns,
each visit in a browser that never ran before. The rasteriser is software (SwiftShader):
ratios carry over to other machines, milliseconds do not. Nothing here is asserted: the
summary says which targets are met.
"""
