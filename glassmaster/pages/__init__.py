"""Pages for people: self-contained HTML made from results. Knows no recipe and no step: data in, text out."""
