"""The scenes of the launch week, one file each, in order."""
