"""Copies of everything are made, kept elsewhere, and shown to be good by putting them back."""
