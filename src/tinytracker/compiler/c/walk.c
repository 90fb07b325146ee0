/* The elements of an array of up to five axes in the order of the output, with any distance (even 0) between neighbours. */
typedef struct {
    int32_t length[5];
    int32_t first[5];
    int32_t second[5];
} gm_walk;
