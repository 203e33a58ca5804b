"""Transcripts: words with times, files that hold them, and rows of volumes that can be edited."""
