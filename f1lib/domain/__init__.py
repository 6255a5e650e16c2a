"""Words and facts of Formula 1: sessions, formats, event keys, points, circuits, identities of drivers and teams."""
