"""The page of another forecaster beside ours."""

from __future__ import annotations

import json
from pathlib import Path

from f1lib.lake.store import LocalStore
from f1lib.report.others_page import publish


def test_the_page_shows_both_systems_and_their_difference_and_escapes_names(tmp_path: Path) -> None:
    paired = {"mae": 0.2, "mae_se": 0.05, "rps": -0.001, "rps_se": 0.0}
    group = {"system": "<b>them</b>", "session": "R", "kind": "live", "horizon": "pre_race", "races": 12}
    group |= {"means": {"<b>them</b>": {"mae": 3.4}, "blend_v1": {"mae": 3.2, "rps": 0.11}}, "paired": paired}
    excess = {"blend_v1": {"expected": {"rps": 0.112}, "real_minus_expected": {"rps": -0.002, "rps_se": 0.0027}}}
    card = {"file": "a.csv", "name": "../them", "model": "blend_v1", "groups": [{**group, "excess": excess}]}
    card |= {"skipped": ["2025_Qatar_Grand_Prix R lacks somebody"], "no_result_yet": [], "ignored_columns": []}
    key = publish(LocalStore(tmp_path), card, "f1db")
    assert key == "reports/others/-_them.html" or key.startswith("reports/others/")
    page = (tmp_path / key).read_text(encoding="utf-8")
    assert "&lt;b&gt;them&lt;/b&gt;, 12 races, live, pre race" in page
    assert "<b>them</b>" not in page
    assert "+0.2000 ± 0.0500" in page
    assert "-0.0020 ± 0.0027" in page
    assert "2025_Qatar_Grand_Prix R lacks somebody" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert json.loads((tmp_path / key.replace(".html", ".json")).read_text(encoding="utf-8")) == card
