"""What is known of tree jobs: for the people who review them, and for the phones that work on them."""
