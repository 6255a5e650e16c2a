"""Serving a model run: ONNX Runtime and numbers from JSON, nothing else; no pickle is ever loaded here.

>>> serving = load_serving(store, run_id)
>>> serving.forecast(features)          # one race: expected places, chances, the position matrix
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1lib.domain import points as domain_points
from f1lib.domain.points import RACE_POINTS
from f1lib.errors import StorageError
from f1lib.lake.paths import GRAPH, METADATA, SUCCESS, run_key
from f1lib.lake.store import read_json
from f1lib.model import onnx_export, preprocess
from f1lib.scoring import positions
from f1lib.scoring.positions import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from f1lib.lake.store import ObjectStore


# The features that say where a driver starts, the surest first.
STARTS = ("grid_position", "qualifying_position")


@dataclass(frozen=True)
class Serving:
    """A loaded model. ``features`` in the order of the graph's input, ``numbers`` the distribution's settings."""

    run_id: str
    features: list[str]
    numbers: Mapping[str, Any]
    runtime: Any
    metadata: Mapping[str, Any]

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """``predicted_score p_dnf mu sigma`` a row, index of ``frame``; raises `MissingColumn` for absent features.

        ``mu`` and ``sigma`` are the finishing driver's latent performance; a smaller score is better.
        """
        import pandas as pd

        raw = preprocess.matrix_of(frame, self.features)
        answer = onnx_export.run(self.runtime, raw, ("predicted_score", "p_dnf", "sigma"))
        score = answer["predicted_score"]
        columns = {"predicted_score": score, "p_dnf": answer["p_dnf"], "mu": score, "sigma": answer["sigma"]}
        return pd.DataFrame(columns, index=frame.index)

    def forecast(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The prediction of one race, a row a driver, index of ``frame``; columns of `distribution.summarize`.

        Rows are put in the order of ``driver_id`` for the computation, so that the answer does not depend on
        the order in which they are given.
        """
        race = frame.sort_values("driver_id", kind="stable")
        return self._summary(self.predict(race), RACE_POINTS).loc[frame.index]

    def forecast_session(self, features: pd.DataFrame) -> pd.DataFrame:
        """`forecast` of gold's rows of one race, or of one sprint: a race of a third of the distance (`of_sprint`)."""
        first = features.iloc[0]
        if first["session"] != "S":
            return self.forecast(features)
        race = features.sort_values("driver_id", kind="stable")
        points = domain_points.points_scale("S", int(first["event_year"]))
        return self._summary(of_sprint(self.predict(race), race), points).loc[features.index]

    def _summary(self, answer: pd.DataFrame, points: tuple[int, ...]) -> pd.DataFrame:
        shape = Shape(*(float(self.numbers[n]) for n in ("trouble_weight", "trouble_shift", "trouble_spread")))
        matrix = positions.position_matrix(answer["mu"], answer["sigma"], answer["p_dnf"], shape)
        summary = positions.summarize(matrix, answer["predicted_score"], answer["p_dnf"], points)
        return summary.set_index(answer.index)


def start_column(race: pd.DataFrame) -> str:
    """Which of `STARTS` is known of gold's rows of one race; empty while none is."""
    return next((c for c in STARTS if c in race and race[c].notna().any()), "")


def of_sprint(answer: pd.DataFrame, race: pd.DataFrame) -> pd.DataFrame:
    """What a race's ``answer`` (`Serving.predict`) is for a sprint from the same start (see `distribution`).

    A third of the risk; and once the start is known, `distribution.SPRINT_MOVES` of a race's moves from there.
    """
    sprint = answer.assign(p_dnf=answer["p_dnf"] * positions.SPRINT_HAZARD)
    column = start_column(race)
    if not column:
        return sprint
    start = positions.start_score(race[column])
    score = start + positions.SPRINT_MOVES * (answer["predicted_score"] - start)
    return sprint.assign(predicted_score=score, mu=score)


def from_graph(
    graph: bytes, features: list[str], numbers: Mapping[str, Any], run_id: str, metadata: Mapping[str, Any]
) -> Serving:
    """A model served from bytes, as the walk-forward does after each refit."""
    return Serving(run_id, features, numbers, onnx_export.session(graph), metadata)


def load_serving(store: ObjectStore, run_id: str) -> Serving:
    """The model of a finished run; raises `StorageError` when the run is absent or was not finished."""
    if not store.exists(run_key(run_id, SUCCESS)):
        raise StorageError(f"lake {store.url} has no finished model run {run_id}: {run_key(run_id, SUCCESS)} is absent")
    metadata = read_json(store, run_key(run_id, METADATA))
    graph = store.read(run_key(run_id, GRAPH))
    return from_graph(graph, list(metadata["features"]), metadata["distribution"], run_id, metadata)
