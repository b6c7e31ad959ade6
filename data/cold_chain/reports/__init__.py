"""What can be proved of a stretch of time: what was measured, what was not, what was done, and a fingerprint of all that."""
