"""The effects of groups of features, in words."""

from __future__ import annotations

import pandas as pd

from f1lib.predictions.group_effects import in_words


def test_reasons_are_put_into_words_strongest_first() -> None:
    effects = pd.Series({"recent_form": -0.2, "qualifying": -2.1, "circuit": 0.4, "weather": 0.05})
    assert in_words(effects) == "Moved forward by qualifying (2.1) and recent form (0.2), back by circuit (0.4)."
    assert in_words(effects * 0.01) == "Nothing sets him apart from the field's average."
