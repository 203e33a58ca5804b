"""One frozen row a model; drives pickers, cards, docs and tests.

A new model is one encoder file, one row here and its tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Literal

from models.errors import ModelNotFoundError
from models.types import Setting, Settings

__all__ = [
    "CATALOG",
    "PUBLISHED",
    "VARIANT",
    "ModelCard",
    "get_card",
    "list_cards",
    "load_object",
]

#: Setting that names which of several published forms of a model answers.
VARIANT = "variant"


@dataclass(frozen=True)
class ModelCard:
    """What a person and the program must know of one model.

    Parameters
    ----------
    id : str
        BERG's id, or ours for a reference model.
    title, summary : str
        Words for a person.
    modality : {"image", "transcript"}
        What it takes.
    encoder : str
        ``"module:Class"``, loaded on first use.
    space, atlas : str
        Names in ``models.spaces``.
    subjects : tuple of (id, label)
    units : str
        Written on every colour bar and axis.
    is_signed : bool
        Whether zero is a meaningful middle.
    is_embedded : bool
        True: needs no download.
    licence, citation, version : str
    badge, caveat, long_caveat : str
        Short label of a figure, the label, the long text.
    accuracy : str
        Where held-out accuracy comes from, or that none is published.
    settings : tuple of Setting
    low_confidence_regions : tuple of str
        Regions to mark in every chart.
    receptive_fields : str
        ``"module:function"`` giving ``models.retinotopy.ReceptiveFields``; empty for none.
    has_backbone_per_subject : bool
        True: each subject has a first stage of its own, so features are not shared by subjects.
    receptive_field_sizes : str
        ``"module:function"`` giving their radii (n_places,) in deg under some settings; empty
        for none.
    training : str
        What it was fitted to.
    output : str
        Which places it predicts, in words.
    usual_tr_s : float
        Time from one volume of a transcript to the next that it is used with, in s; 0 for
        pictures.
    """

    id: str
    title: str
    summary: str
    modality: Literal["image", "transcript"]
    encoder: str
    space: str
    atlas: str
    subjects: tuple[tuple[str, str], ...]
    units: str
    is_signed: bool
    is_embedded: bool
    licence: str
    citation: str
    version: str
    badge: str
    caveat: str
    long_caveat: str
    accuracy: str
    settings: tuple[Setting, ...] = ()
    low_confidence_regions: tuple[str, ...] = ()
    receptive_fields: str = ""
    receptive_field_sizes: str = ""
    has_backbone_per_subject: bool = False
    training: str = ""
    output: str = ""
    usual_tr_s: float = 0.0

    def default_settings(self) -> Settings:
        """All settings at their defaults."""
        return Settings.of(self.settings)


_REFERENCE_VISION = ModelCard(
    id="reference-vision",
    title="Reference model of early visual cortex (R1)",
    summary=(
        "Local contrast of your picture, pooled by the receptive fields of V1, V2, V3 and hV4 "
        "of an average brain. Published equations, nothing to download."
    ),
    modality="image",
    encoder="models.encoders.reference_vision:ReferenceVision",
    space="fsaverage5",
    atlas="retinotopy",
    subjects=(("average", "Average brain (template)"),),
    units="relative response (model units)",
    is_signed=False,
    is_embedded=True,
    licence="MIT (code); template shape fitted to Benson et al. 2014",
    citation=(
        "Kay, Winawer, Rokem, Mezer & Wandell 2013, PLoS Comput Biol; Broderick, Simoncelli & "
        "Winawer 2022, J Vis; Benson et al. 2014, PLoS Comput Biol"
    ),
    version="R1 parameters 1",
    badge="REFERENCE R1 - early visual cortex, model units",
    caveat=(
        "Reference model: published equations; no weights trained on brain responses; the average "
        "map's shape was fitted to a published atlas (R1). Not a prediction for any individual."
    ),
    long_caveat=(
        "Computed from your picture's local contrast with published equations (Kay et al. 2013; "
        "Broderick et al. 2022) on an average brain's map. People's maps differ in size up to "
        "threefold. It knows nothing about what the picture shows. Grey = outside V1-V3/hV4 or "
        "outside the picture."
    ),
    accuracy="No published accuracy for this model: nothing is masked by accuracy.",
    settings=(
        Setting(
            "visual_angle_deg",
            "Picture width",
            8.4,
            "features",
            help="Visual angle of the picture's longer side. It matters as much as the picture.",
            unit="deg",
            minimum=2.0,
            maximum=30.0,
            step=0.1,
        ),
        Setting(
            "fixation_x_deg",
            "Fixation, right of centre",
            0.0,
            "readout",
            help="Where the eyes rest, measured from the picture's centre.",
            unit="deg",
            minimum=-15.0,
            maximum=15.0,
            step=0.1,
        ),
        Setting(
            "fixation_y_deg",
            "Fixation, above centre",
            0.0,
            "readout",
            help="Where the eyes rest, measured from the picture's centre.",
            unit="deg",
            minimum=-15.0,
            maximum=15.0,
            step=0.1,
        ),
        Setting(
            "second_order_contrast",
            "Second-order contrast c",
            1.0,
            "readout",
            help=(
                "1 = the published c of each area (.93 to .99): uneven texture drives more than "
                "even texture. 0 = none: plain spatial summation."
            ),
            unit="x published c",
            minimum=0.0,
            maximum=1.0,
            step=0.05,
        ),
        Setting(
            "is_minus_average",
            "Minus the average picture",
            False,
            "readout",
            help=(
                "Show the difference from the mean response to the built-in reference pictures. "
                "Without it photographs differ by only about 11 %."
            ),
        ),
        Setting(
            "receptive_field_size",
            "Receptive-field sizes",
            "kay2013",
            "readout",
            help="Which published line of receptive-field size against eccentricity is used.",
            choices=(
                ("kay2013", "Kay et al. 2013"),
                ("wandell2015", "Wandell & Winawer 2015"),
            ),
        ),
    ),
    low_confidence_regions=("hV4",),
    receptive_fields="models.retinotopy:load_receptive_fields",
    receptive_field_sizes="models.encoders.reference_vision:receptive_field_sizes",
    training=(
        "No brain responses: published parameters, on a template whose shape was fitted to a "
        "published atlas."
    ),
    output="Vertices of V1, V2, V3 and hV4 on fsaverage5.",
)

_REFERENCE_LANGUAGE = ModelCard(
    id="reference-language",
    title="Reference model of language areas (R2)",
    summary=(
        "When words are heard, how many, how rare, in how long sentences: six features drive five "
        "systems of an average brain. Hand-set strengths, nothing to download."
    ),
    modality="transcript",
    encoder="models.encoders.reference_language:ReferenceLanguage",
    space="mmp360",
    atlas="mmp",
    subjects=(("average", "Average brain (HCP areas)"),),
    units="relative response (model units)",
    is_signed=True,
    is_embedded=True,
    licence="MIT (code); areas under the HCP Open Access Data Use Terms",
    citation=(
        "Dhankhar et al. 1997, J Neurophysiol 77:476-483; Hasson et al. 2008, J Neurosci "
        "28:2539-2550; Fedorenko et al. 2010, J Neurophysiol 104:1177-1194; Pallier, Devauchelle & "
        "Dehaene 2011, PNAS, doi:10.1073/pnas.1018711108; Lerner et al. 2011, J Neurosci "
        "31:2906-2915; Lipkin et al. 2022, Sci Data 9:529; areas: Glasser et al. 2016, Nature "
        "536:171-178"
    ),
    version="R2 parameters 1",
    badge="REFERENCE R2 - speech and language areas, model units",
    caveat=(
        "Reference model: published equations; no weights trained on brain responses; strengths "
        "set by hand (R2). Not a prediction for any individual."
    ),
    long_caveat=(
        "Computed from when words occur, how common they are and how long sentences are. Strengths "
        "were set by hand to match the direction of published findings. In a check against 27 "
        "listeners it followed left posterior temporal activity weakly (r about 0.2-0.5), and "
        "anterior temporal activity not at all. Grey = not modelled, not 'inactive'."
    ),
    accuracy=(
        "Checked against the mean of 27 people who heard 12 minutes of Alice in Wonderland "
        "(Brennan et al. 2016, Brain and Language, doi:10.1016/j.bandl.2016.04.008): the word-rate "
        "regressor of the auditory areas reached r = 0.48 in left posterior temporal cortex, 0.24 "
        "(p = .002, 1,000 phase-randomised series) without the first and last 20 s; the language "
        "regressor there 0.15 (p = .055), in left anterior temporal cortex 0.04 (p = .33). In "
        "single people r was .05 to .18. Inside running speech sentence structure added nothing "
        "to word rate, and the prediction came 1 to 2 s late. Structure, strengths and rate "
        "window were changed after these data had been seen, so this is no untouched test. The "
        "model knows English function words only and nothing of meaning, topic, emotion or reading."
    ),
    usual_tr_s=2.0,
    settings=(
        Setting(
            "hrf_peak_s",
            "Peak of the blood response",
            5.0,
            "features",
            help=(
                "When the haemodynamic response to one word peaks. 5 s is SPM's canonical "
                "response; other values stretch it in time."
            ),
            unit="s",
            minimum=3.0,
            maximum=9.0,
            step=0.1,
        ),
        Setting(
            "saturation_wpm",
            "Rate that saturates",
            90.0,
            "features",
            help="Words a minute above which the rate feature grows no more (90: Dhankhar 1997).",
            unit="words/min",
            minimum=30.0,
            maximum=240.0,
            step=5.0,
        ),
        Setting(
            "discourse_memory_s",
            "Memory of the discourse",
            20.0,
            "features",
            help="How long structured speech is remembered by the default network's feature.",
            unit="s",
            minimum=2.0,
            maximum=120.0,
            step=1.0,
        ),
        Setting(
            "structure_strength",
            "Strength of sentence structure",
            1.0,
            "readout",
            help=(
                "Factor on the strength of sentence structure. 0 = the language areas no longer "
                "tell sentences from lists."
            ),
            unit="x",
            minimum=0.0,
            maximum=2.0,
            step=0.1,
        ),
        Setting(
            "right_share",
            "Share of the right hemisphere",
            1.0,
            "readout",
            help="Factor on what the right hemisphere has of each system; 0 = left only.",
            unit="x",
            minimum=0.0,
            maximum=2.0,
            step=0.1,
        ),
    ),
    low_confidence_regions=(
        "Default network (narrative)",
        "PGi",
        "PGs",
        "7m",
        "POS1",
        "31pv",
        "v23ab",
        "d23ab",
        "9m",
        "10r",
        "8BL",
    ),
    training=("No brain responses: published directions of effect, with strengths set by hand."),
    output="66 of the 360 MMP 1.0 parcels on fsLR32k, a row for every volume.",
)

_NSD_HUZE = ModelCard(
    id="fmri-nsd_fsaverage-huze",
    title="NSD huze, whole cortex",
    summary=(
        "A finetuned vision transformer per person predicts all 327,684 vertices of fsaverage; "
        "each vertex has learnt which layer and which place of the picture to read."
    ),
    modality="image",
    encoder="models.encoders.nsd_huze:NsdHuze",
    space="fsaverage",
    atlas="",
    subjects=tuple((f"sub-0{number}", f"Subject {number}") for number in range(1, 9)),
    units="z per scan session",
    is_signed=True,
    is_embedded=False,
    licence="not stated on the model's page",
    citation=(
        "Allen et al. 2022, Nature Neuroscience; Oquab et al. 2023, arXiv:2304.07193 (DINOv2); "
        "model by Huzheng Yang, Brain Encoding Response Generator"
    ),
    version="BERG fmri-nsd_fsaverage-huze, read by Boldcast 1",
    badge="PREDICTION - NSD huze, not measured",
    caveat=(
        "Predicted, not measured: the mean response this model expects of one person's vertex, "
        "in standard deviations of a scan session."
    ),
    long_caveat=(
        "The model saw photographs of scenes, 8.4 deg wide, in the middle of the visual field; "
        "pictures are stretched to a square. It knows nothing of other sizes, of motion, of a "
        "task or of where the eyes rest. It gives a number for all of cortex, also where pictures "
        "explain little, and for the medial wall: read it beside the noise ceiling."
    ),
    accuracy=(
        "Held-out correlation, explained variance and noise ceiling of every vertex (515 test "
        "pictures, and 286 of NSD-synthetic) come with the model's metadata."
    ),
    training=(
        "Natural Scenes Dataset: 7T fMRI of each person for up to 9,000 natural scenes, and "
        "the noise-free responses of a first model fitted to all eight people."
    ),
    output="All 327,684 vertices of fsaverage, both hemispheres.",
    has_backbone_per_subject=True,
)

_TEXT2FMRI = ModelCard(
    id="fmri-cneuromod_algo2025-text2fmri",
    title="Text2fMRI, 1,000 parcels",
    summary=(
        "A language model reads a transcript and a small transformer predicts 1,000 cortical "
        "parcels of one of four people who watched films and television, volume by volume."
    ),
    modality="transcript",
    encoder="models.encoders.text2fmri:Text2FMRI",
    space="schaefer1000",
    atlas="",
    subjects=tuple((f"sub-0{number}", f"Subject {number}") for number in (1, 2, 3, 5)),
    units="model units (scale not stated upstream)",
    is_signed=True,
    is_embedded=False,
    licence="not stated on the model's page",
    citation=(
        "Dixit 2026, Zenodo, doi:10.5281/zenodo.18369862; Schaefer et al. 2018, Cerebral Cortex; "
        "Algonauts 2025 challenge, CNeuroMod"
    ),
    version="BERG fmri-cneuromod_algo2025-text2fmri, read by Boldcast 1",
    badge="PREDICTION - Text2fMRI, not measured",
    caveat=(
        "Predicted, not measured: what this model expects of one person's parcels from the words "
        "alone. The scale of the numbers is not stated by its authors."
    ),
    long_caveat=(
        "The people saw and heard films; the model is given only the words spoken in each volume "
        "of 1.49 s, and looks at the whole transcript at once, later words included. It knows "
        "nothing of pictures, sounds, voices or music."
    ),
    accuracy=(
        "Its page says that measures are in the model's Hugging Face collection; none comes with "
        "the files read here."
    ),
    training=(
        "CNeuroMod: fMRI of four people who watched Friends and Movie10, as prepared for the "
        "Algonauts 2025 challenge; the language model itself was left as it was."
    ),
    output="1,000 cortical parcels of the Schaefer 2018 atlas, a row for every 1.49 s.",
    usual_tr_s=1.49,
    settings=(
        Setting(
            "precision",
            "Precision of the language model",
            "float32",
            "features",
            help=(
                "16 bits (bfloat16, or float16 where the device has no other) are faster on most "
                "devices. They are used only after a fixed text gave nearly the same answer in "
                "both; the error is written beside the numbers."
            ),
            choices=(("float32", "32 bit, exact"), ("reduced", "16 bit, faster")),
        ),
        Setting(
            VARIANT,
            "Variant",
            "ShreyDixit/Text2fMRI-Qwen-2.5-0.5B",
            "features",
            help="Which of the published models answers: they read with language models of "
            "different sizes.",
        ),
        Setting(
            "is_frugal",
            "Low memory",
            False,
            "readout",
            help="Lets go of the language model after each transcript. The numbers stay the same; "
            "the next transcript waits until it has been opened again.",
        ),
    ),
)

_PICTURE_PRECISION = Setting(
    "precision",
    "Precision of the network",
    "float32",
    "features",
    help=(
        "16 bits are faster on GPUs and on some processors. They are used only there, and only "
        "after fixed pictures got nearly the same responses in both; the error is written beside "
        "the numbers."
    ),
    choices=(("float32", "32 bit, exact"), ("reduced", "16 bit where that is faster")),
)

_THINGS_VIT = ModelCard(
    id="fmri-things_fmri_1-vit_b_32",
    title="THINGS fMRI, ViT-B/32",
    summary=(
        "A vision transformer's features of your picture, mapped by linear regression to every "
        "voxel of one of three people who saw 8,640 pictures of objects."
    ),
    modality="image",
    encoder="models.encoders.things_vit:ThingsViT",
    space="things-voxels-sub-01",
    atlas="",
    subjects=tuple((f"sub-0{number}", f"Subject {number}") for number in (1, 2, 3)),
    units="model units (scale not stated upstream)",
    is_signed=True,
    is_embedded=False,
    licence="not stated on the model's page",
    citation=(
        "Hebart et al. 2023, eLife 12:e82580; Dosovitskiy et al. 2021, ICLR; model by D. Bersch, "
        "Brain Encoding Response Generator"
    ),
    version="BERG fmri-things_fmri_1-vit_b_32, read by Boldcast 1",
    badge="PREDICTION - THINGS fMRI ViT-B/32, not measured",
    caveat=(
        "Predicted, not measured: the mean response this model expects of one person's voxel. "
        "The scale of the numbers is not stated by its authors."
    ),
    long_caveat=(
        "The model saw pictures of objects, 10 deg wide, in the middle of the visual field. It "
        "knows nothing of other sizes, of motion, of a task or of where the eyes rest. Voxels "
        "are those of the person's own brain; no transform to a common space comes with them. "
        "Read it beside each voxel's noise ceiling and held-out correlation."
    ),
    accuracy=(
        "Held-out correlation and noise ceiling of every voxel (100 test pictures, 12 repeats) "
        "come with the model's metadata."
    ),
    training=(
        "THINGS fMRI 1: single responses of each of three people to about 8,640 pictures of "
        "objects."
    ),
    output="211,339 voxels of the person's own brain, in no common space.",
    settings=(_PICTURE_PRECISION,),
)

_MOSAIC_CNN8 = ModelCard(
    id="fmri-mosaic-CNN8_multihead_subNSD_verticesAll",
    title="MOSAIC CNN8, whole cortex",
    summary=(
        "A convolutional network trained on brain responses themselves predicts 57,051 cortical "
        "vertices of each of the eight people of the Natural Scenes Dataset."
    ),
    modality="image",
    encoder="models.encoders.mosaic_cnn8:MosaicCnn8",
    space="fsLR32k",
    atlas="mmp",
    subjects=tuple((f"sub-0{number}", f"Subject {number}") for number in range(1, 9)),
    units="model units (scale not stated upstream)",
    is_signed=True,
    is_embedded=False,
    licence="not stated on the model's page",
    citation=(
        "Lahner et al. 2025, bioRxiv 2025.11.28.690060; Allen et al. 2022, Nature Neuroscience; "
        "Glasser et al. 2016, Nature 536:171-178"
    ),
    version="BERG fmri-mosaic-CNN8_multihead_subNSD_verticesAll, read by Boldcast 1",
    badge="PREDICTION - MOSAIC CNN8, not measured",
    caveat=(
        "Predicted, not measured: the mean response this model expects of one person's vertex. "
        "The scale of the numbers is not stated by its authors."
    ),
    long_caveat=(
        "The model saw photographs of scenes, 8.4 deg wide, in the middle of the visual field. It "
        "knows nothing of other sizes, of motion, of a task or of where the eyes rest. It gives a "
        "number for nearly all of cortex, also where pictures explain little: read it beside the "
        "noise ceiling. Grey = 2,361 cortical vertices that it does not model."
    ),
    accuracy=(
        "Noise ceilings of every vertex come with the model's metadata; its held-out accuracy is "
        "published as figures only."
    ),
    training=(
        "The Natural Scenes Dataset as prepared by MOSAIC: fMRI of eight people who saw "
        "natural scenes; one network for all, a readout for each."
    ),
    output="57,051 of the 59,412 cortical vertices of fsLR32k.",
    settings=(_PICTURE_PRECISION,),
)

#: Models whose files must be fetched.
PUBLISHED: tuple[ModelCard, ...] = (_NSD_HUZE, _MOSAIC_CNN8, _THINGS_VIT, _TEXT2FMRI)

#: All models, the embedded ones first: they are those that the pages start with.
CATALOG: tuple[ModelCard, ...] = (_REFERENCE_VISION, _REFERENCE_LANGUAGE, *PUBLISHED)


def list_cards(modality: Literal["image", "transcript"] | None = None) -> tuple[ModelCard, ...]:
    """Rows of the catalog, of one modality if asked."""
    return tuple(card for card in CATALOG if modality in (None, card.modality))


def get_card(model_id: str) -> ModelCard:
    """Row of one model.

    Raises
    ------
    ModelNotFoundError
        No such id; the text lists near matches.
    """
    for card in CATALOG:
        if card.id == model_id:
            return card
    ids = [card.id for card in CATALOG]
    near = get_close_matches(model_id, ids) or ids
    raise ModelNotFoundError(f"There is no model {model_id!r}. Did you mean {', '.join(near)}?")


def load_object(path: str) -> Any:
    """Import ``"module:name"`` and return the named object."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
