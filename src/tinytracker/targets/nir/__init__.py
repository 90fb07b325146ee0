"""NIR: a spiking network as one .nir file, the exchange format of neuromorphic tools. See `package` and
`target`."""
