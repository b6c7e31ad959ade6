"""How a farm did over some days: what was measured, how its devices were used, and whether what should happen did."""
