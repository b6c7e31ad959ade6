"""A report of the days that have just ended is made again and again, and mailed to those it is for."""
