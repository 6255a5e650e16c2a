"""Gold: the features of every driver of a race at a cut-off, and the outcome beside them."""
