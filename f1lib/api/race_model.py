"""A race model in scikit-learn's form: ``fit`` and ``predict_proba`` over frames of gold's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from f1lib.errors import BadParameters
from f1lib.lake.features import feature_names
from f1lib.model.config import load_config
from f1lib.model.fit import fit, labelled

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from f1lib.model.serving import Serving

_RACE = ["event_partition_key", "session", "horizon"]


class RaceModel(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Model of the finishing positions of whole races, as a configuration of ``parameters/models`` describes it.

    It is what `f1 run` trains, fitted to any rows of `f1lib.Lake.features`. The classes are the places of a race; the
    drivers of a race are predicted together, so that rows and columns of its matrix sum to 1.

    Parameters
    ----------
    config : str
        Name of the configuration.
    horizon : {"pre_weekend", "post_practice", "post_qualifying", "pre_race"}
        The horizon whose rows it is fitted to.

    Attributes
    ----------
    classes_ : ndarray of int
        The places, from 1 to the size of the largest field it was fitted to.
    feature_names_in_ : list of str
        The features that it reads.
    """

    def __init__(self, config: str = "blend_v1", horizon: str = "pre_race") -> None:
        self.config = config
        self.horizon = horizon

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> RaceModel:
        """Fit to races with a result.

        Parameters
        ----------
        X : pandas.DataFrame
            Rows of `f1lib.Lake.features`, with ``finishing_position`` and ``is_dnf``; those of the horizon's races
            are used.
        y : array-like, optional
            Finishing positions in place of the column's.

        Returns
        -------
        RaceModel
            Itself.

        Raises
        ------
        BadParameters
            Unknown configuration, or a horizon that it is not meant for.
        RunError
            Too few races.
        MissingColumn
            ``X`` lacks a column that is read.
        """
        rows = X if y is None else X.assign(finishing_position=np.asarray(y))
        config = load_config(self.config)
        (horizon,) = config.horizons_of(self.horizon)
        rows = labelled(rows, horizon)
        self.serving_: Serving = fit(rows, config, [name for name in feature_names() if name in rows]).serving()
        self.feature_names_in_ = self.serving_.features
        self.classes_ = np.arange(1, int(rows.groupby("event_partition_key").size().max()) + 1)
        return self

    def forecast(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict races and sprints.

        Parameters
        ----------
        X : pandas.DataFrame
            Rows of whole races or sprints, one per driver, as of `f1lib.Lake.features`.

        Returns
        -------
        pandas.DataFrame
            One row per row of ``X``, with its index: ``predicted_rank predicted_position p_win p_podium p_points p_dnf
            expected_points position_probabilities`` and more.

        Raises
        ------
        BadParameters
            ``X`` has no rows, or a driver twice in a race.
        """
        check_is_fitted(self)
        if X.empty or X.duplicated([*_RACE, "driver_id"]).any():
            raise BadParameters("a forecast needs rows of whole races, each driver once in a race and horizon")
        races = X.assign(row=np.arange(len(X))).groupby(_RACE, sort=False)
        made = [self.serving_.forecast_session(race).set_axis(race["row"]) for _, race in races]
        return pd.concat(made).sort_index().set_axis(X.index)

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Predict the probability of every place.

        Parameters
        ----------
        X : pandas.DataFrame
            As of `forecast`.

        Returns
        -------
        ndarray of shape (n_rows, n_places)
            Column ``k`` is the probability of place ``k + 1``; 0 beyond the size of a race's field. A field that is
            larger than any it was fitted to has more columns than ``classes_``.
        """
        rows = self.forecast(X)["position_probabilities"].tolist()
        out = np.zeros((len(rows), max(len(self.classes_), *map(len, rows))))
        for place, row in enumerate(rows):
            out[place, : len(row)] = row
        return out

    def predict(self, X: pd.DataFrame) -> NDArray[np.int64]:
        """Predict the finishing order.

        Parameters
        ----------
        X : pandas.DataFrame
            As of `forecast`.

        Returns
        -------
        ndarray of int
            The place of each row in its race.
        """
        return self.forecast(X)["predicted_rank"].to_numpy("int64")

    def score(self, X: pd.DataFrame, y: ArrayLike | None = None) -> float:
        """Score the predicted positions.

        Parameters
        ----------
        X : pandas.DataFrame
            As of `forecast`, with ``finishing_position``.
        y : array-like, optional
            Finishing positions in place of the column's.

        Returns
        -------
        float
            Minus the mean absolute error in places; higher is better.
        """
        places: Any = X["finishing_position"] if y is None else y
        return -float(np.abs(self.forecast(X)["predicted_position"].to_numpy() - np.asarray(places, "float64")).mean())
