"""Making a release: wheel, sdist, bill of materials and sums, from a commit; `make release` prints what was made."""
