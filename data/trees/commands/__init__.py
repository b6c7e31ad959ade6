"""What may be done about tree jobs: by the phones in the field, by our own job, and by the people who review."""
