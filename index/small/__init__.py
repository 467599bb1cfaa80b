"""The small embedding model: `model.safetensors`, two of settings, `manifest.json`, `CARD.md`."""
