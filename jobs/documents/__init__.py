"""Documents for people to take away: laid out, set and printed, with nothing fetched from anywhere."""
