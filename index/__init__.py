"""Shared vocabulary, storage and retrieval. Knows neither `ingest` nor `bot`."""
