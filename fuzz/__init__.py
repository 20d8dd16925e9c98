"""Coverage-guided fuzzing of everything that reads what a stranger sends; no part of what is published."""
