"""The calls on the four models' public pages, in their order, without the comments between them.

They stand here as on the pages, faults included; ``docs/berg-compat.md`` says which lines need
another form.
"""

THINGS_PAGE = """
from berg import BERG

berg = BERG(berg_dir="path/to/brain-encoding-response-generator")
model = berg.get_encoding_model(
    "fmri-things_fmri_1-vit_b_32",
    subject=1,
    selection={
        "roi": ["V1", "V2", "IT"],
        "voxel_index": [0, 0, '...', 1, 1, 0]
    }
)
stimulus = np.random.randint(0, 255, (100, 3, 256, 256))
responses = berg.encode(
    model,
    stimulus,
    show_progress=True
)
responses, metadata = berg.encode(
    model,
    stimulus,
    return_metadata=True
)
metadata = berg.get_model_metadata(
    "fmri-things_fmri_1-vit_b_32",
    subject=1
)
"""

HUZE_PAGE = """
from berg import BERG

berg = BERG(berg_dir="path/to/brain-encoding-response-generator")
model = berg.get_encoding_model(
    "fmri-nsd_fsaverage-huze",
    subject=1,
)
stimulus = np.random.randint(0, 255, (100, 3, 256, 256))
responses = berg.encode(
    model,
    stimulus,
    show_progress=True
)
responses, metadata = berg.encode(
    model,
    stimulus,
    return_metadata=True
)
metadata = berg.get_model_metadata(
    "fmri-nsd_fsaverage-huze",
    subject=1
)
"""

MOSAIC_PAGE = """
from berg import BERG

berg = BERG(berg_dir="path/to/brain-encoding-response-generator")
model = berg.get_encoding_model(
    "fmri-mosaic-CNN8_multihead_subNSD_verticesAll",
    subject=1,
    selection={
        "roi": ["L_V1", "R_V1", "L_FEF", "R_FEF"],
        "glasser_group": None,
        "voxel_index": [0, 0, '...', 1, 1, 0]
    }
)
stimulus = np.random.randint(0, 255, (100, 3, 256, 256))
responses = berg.encode(
    model,
    stimulus,
    show_progress=True
)
responses, metadata = berg.encode(
    model,
    stimulus,
    return_metadata=True
)
metadata = berg.get_model_metadata(
    subject=1,
    "fmri-mosaic-CNN8_multihead_subNSD_verticesAll"
)
model = berg.get_encoding_model(
    "fmri-mosaic-CNN8_multihead_subNSD_verticesAll",
    subject=1,
    device="auto"
)
responses = berg.encode(model, images, show_progress=True)
vertex_mapping = metadata["encoding_models"]["vertex_mapping_all"]
responses_91k = np.full((responses.shape[0], 91282), np.nan)
responses_91k[:,vertex_mapping] = responses
"""

TEXT_PAGE = """
from berg import BERG

berg = BERG(berg_dir="path/to/brain-encoding-response-generator")
variants = berg.get_model_variants("fmri-cneuromod_algo2025-text2fmri")
model = berg.get_encoding_model(
    "fmri-cneuromod_algo2025-text2fmri",
    subject=1,
    model_variant="ShreyDixit/Text2fMRI-Qwen-2.5-0.5B",
    selection={
        "roi": ["Vis"],
        "voxel_index": [0, 0, '...', 1, 1, 0]
    }
)
stimulus = ["Hello, are you", "awake? Yes,"]
responses = berg.encode(
    model,
    stimulus,
    low_mem_use=True
)
responses, metadata = berg.encode(
    model,
    stimulus,
    return_metadata=True
)
metadata = berg.get_model_metadata(
    "fmri-cneuromod_algo2025-text2fmri",
    subject=1
)
gif_path = model.generate_glass_brain_animation(
    responses=responses,
    out_path="brain_activation.gif"
)
model.generate_glass_brain_animation(responses, out_path="activation.gif")
model.get_pretrained_variants()
"""

#: Heading in ``docs/berg-compat.md`` -> calls.
PAGES = {
    "THINGS ViT-B/32": THINGS_PAGE,
    "NSD huze": HUZE_PAGE,
    "MOSAIC CNN8": MOSAIC_PAGE,
    "Text2fMRI": TEXT_PAGE,
}
