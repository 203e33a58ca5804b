"""Which picture was it: scores, ranks, retrieval metrics, chance.

Everything here is arithmetic on arrays. Metrics are those of NeuralBench's image decoding task
(facebookresearch/neuroai, read at commit af8ce00c): candidates of length one, zero-based ranks that
split ties, the lower median, one candidate an image. NaN is refused everywhere: a decoder that
gives NaN has no rank.
"""

from __future__ import annotations

from models.analysis._decode_chance import (
    binomial_p,
    chance_mean_rank,
    chance_top_k,
    dummy_predictions,
    hits_needed,
    ncsnr_of_ceiling,
    noise_ceiling,
    normalised_score,
    wilson_interval,
)
from models.analysis._decode_scores import (
    NormKind,
    best_score_null,
    lower_median,
    near_duplicates,
    open_set_p,
    pearson_per_dimension,
    rank_std,
    ranks,
    similarities,
    top_k,
    two_way,
)
from models.analysis._identification import (
    PreparedGallery,
    identification_scores,
    prepare_gallery,
)
from models.analysis._retrieval import HEADLINE, batch_metrics, most_shown, retrieval_metrics

__all__ = [
    "HEADLINE",
    "NormKind",
    "PreparedGallery",
    "batch_metrics",
    "best_score_null",
    "binomial_p",
    "chance_mean_rank",
    "chance_top_k",
    "dummy_predictions",
    "hits_needed",
    "identification_scores",
    "lower_median",
    "most_shown",
    "ncsnr_of_ceiling",
    "near_duplicates",
    "noise_ceiling",
    "normalised_score",
    "open_set_p",
    "pearson_per_dimension",
    "prepare_gallery",
    "rank_std",
    "ranks",
    "retrieval_metrics",
    "similarities",
    "top_k",
    "two_way",
    "wilson_interval",
]
