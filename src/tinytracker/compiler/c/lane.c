/* Two pixels in one word, the second one 23 bits above the first. */
#define GM_LANE 8388608
