"""What changes the cold chain: `places` by people, `readings` and `states` by sensors and the clock."""
