// needs: dsp
/* A 1x1 convolution of a few channels to a few, a row at a time, to doubled int16. First a row's pixels to words: three (five
   channels at most: 0 and 2, 1 and 3, 4 and nothing) or four (eight channels: and 5 and 7); up to seven bytes behind a pixel
   are read. Then for every output channel, number by number, `advance_bytes` apart.
   layer: bias (doubled), weights as the words are, multiplier, addend, shift. */
