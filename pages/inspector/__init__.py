"""An inspector reads and takes away; owners and administrators decide who may, and for how long."""
