"""What happened and why: decisions, edits and the chain of changes. Pure: no SQL, no HTTP, no clock."""
