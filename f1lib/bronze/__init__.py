"""Bronze: the upstreams' answers as they came, with the calendar and the forecasts."""
