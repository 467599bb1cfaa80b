"""Letting answers out: understanding a question, choosing quotes, verifying, rendering."""
