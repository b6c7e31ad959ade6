"""Who delivers, where they are, and what is on its way."""
