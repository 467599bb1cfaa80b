"""A small web on loopback that behaves and misbehaves as told; knows nothing about newsquote."""
