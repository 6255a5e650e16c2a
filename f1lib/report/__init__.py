"""Reports for readers: the dashboard, pages of races, executed notebooks as HTML, figures."""
