"""This computer as a platform: the network by LiteRT on one thread."""
