"""The drift of form is found again in seasons that were drawn with a known one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from f1lib.evaluation.form_drift import form_drift, summary

TRUTH = {"car": 0.04, "driver": 0.02, "car_step": 0.008, "driver_step": 0.004}
TEAMS, RACES = 12, 16


def _season(year: int, rng: np.random.Generator) -> pd.DataFrame:
    """Forecasts that know strength up to an error, and places of races run at strength that walks."""
    drivers = 2 * TEAMS
    team = np.arange(drivers) // 2
    strength = np.linspace(-1, 1, drivers)
    rows = []
    for race in range(RACES):
        if race:
            strength = strength + rng.normal(0, TRUTH["car_step"] ** 0.5, TEAMS)[team]
            strength = strength + rng.normal(0, TRUTH["driver_step"] ** 0.5, drivers)
        wrong = rng.normal(0, TRUTH["car"] ** 0.5, TEAMS)[team] + rng.normal(0, TRUTH["driver"] ** 0.5, drivers)
        latent = strength + rng.normal(0, 0.4, drivers)
        place = latent.argsort().argsort() + 1
        facts = {"event_year": year, "event_number": race + 1, "is_dnf": 0.0}
        columns = {"driver_id": np.arange(drivers), "team_lineage": team, "mu": strength + wrong}
        rows.append(pd.DataFrame({**columns, "finishing_position": place.astype(float)}).assign(**facts))
    return pd.concat(rows, ignore_index=True)


def test_what_strength_was_drawn_with_is_found() -> None:
    rng = np.random.default_rng(2)
    drift = form_drift(pd.concat([_season(year, rng) for year in range(2001, 2013)], ignore_index=True))
    assert drift.index.tolist() == list(range(2001, 2013))
    found = summary(drift)
    for name, true in TRUTH.items():
        # a place says a little less than the latent it stands for
        assert abs(found[name] - true) < 4 * found[f"{name}_se"] + 0.25 * true, name
        assert 0 < found[f"{name}_se"] < true


def test_a_driver_who_changes_his_team_is_left_out_from_then_on() -> None:
    season = _season(2001, np.random.default_rng(1))
    moved = season.copy()
    later = (moved["driver_id"] == 0) & (moved["event_number"] > 8)
    moved.loc[later, ["team_lineage", "finishing_position"]] = [99, 24.0]
    alone = season[~((season["driver_id"] == 0) & (season["event_number"] > 8))]
    columns = ["car", "car_step"]
    kept = form_drift(moved[~later])[columns]
    assert np.isfinite(form_drift(moved).to_numpy()).all()
    pd.testing.assert_frame_equal(kept, form_drift(alone)[columns])
