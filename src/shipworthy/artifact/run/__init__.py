"""The part of the artefact room that runs the author's command: a clean folder, a fence around the network."""
