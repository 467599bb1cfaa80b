"""The reranker that ships: `model.onnx` and `model.bin` (8-bit weights), `manifest.json`, `CARD.md`."""
