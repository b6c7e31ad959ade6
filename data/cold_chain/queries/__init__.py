"""What is known of the cold chain: `watch` for those who judge it, `units` and `points` for those who look at it."""
