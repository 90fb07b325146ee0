/* Kernels for ARMv7E-M. Pixels are worked on in tiles of 2 x 2: (y, x), (y + 1, x), (y, x + 1), (y + 1, x + 1). A tile's
   words hold two channels of a pixel each, as int16: first channels 0 and 2 of the four pixels, then 1 and 3, then 4 and 6. */
