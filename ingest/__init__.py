"""Bringing articles in: sources, extraction, cleaning, copies, passages, embedding, snapshots."""
