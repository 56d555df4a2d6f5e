"""Files that earlier versions wrote still open, and score and sample as they did."""

import json
from pathlib import Path

import numpy as np
import pytest

import densimeter as dm
from densimeter.foundations.errors import DataError
from densimeter.storage import container

FOLDER = Path(__file__).parent / "version_0_1"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


def _rows(drawn):
    return drawn[0] if isinstance(drawn, tuple) else drawn


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_of_version_0_1_scores_and_samples_as_it_did(name):
    model, told = dm.load(FOLDER / f"{name}.dm"), EXPECTED[name]
    tolerance = 1e-5 if model.n_features_in_ and name in ("single_precision", "bayesian_tied") else 1e-9
    scores = model.score_samples(np.array(told["rows"]))
    np.testing.assert_allclose(scores, told["scores"], rtol=tolerance, atol=tolerance)
    if "samples" in told:
        drawn = _rows(model.sample(3, random_state=0))
        np.testing.assert_allclose(drawn, told["samples"], rtol=tolerance, atol=tolerance)


def test_a_file_of_format_1_that_contradicts_itself_is_refused(file, opened):
    content = (FOLDER / "tied.dm").read_bytes()
    parts = opened(content)
    assert parts.format == 1
    forged = dict(parts.arrays)
    forged["state.precisions_cholesky"] = 2 * forged["state.precisions_cholesky"]
    file.write_bytes(container.pack(container.Content(parts.document, forged, 1)))
    with pytest.raises(DataError, match="precisions_cholesky does not follow from the other numbers"):
        dm.load(file)


def test_a_log_z_of_another_density_is_refused(file, opened):
    parts = opened((FOLDER / "tilted_energy.dm").read_bytes())
    model = {**parts.document["model"], "state.log_normalizer.value": 0.3}
    interval = {"state.log_normalizer.interval": np.array([-1.0, 1.0])}
    file.write_bytes(
        container.pack(container.Content({**parts.document, "model": model}, parts.arrays | interval, 1))
    )
    with pytest.raises(DataError, match="32,768 draws tell one from"):
        dm.load(file)
