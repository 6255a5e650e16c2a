"""What people read: the dashboard, pages of races, executed notebooks as HTML, figures."""
