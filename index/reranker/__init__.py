"""The reranker that ships: `model.xml` and `model.bin` (OpenVINO, 8-bit weights), `manifest.json`, `CARD.md`."""
