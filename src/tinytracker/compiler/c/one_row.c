// needs: rows
static inline gm_rows gm_one_row(const int8_t *row, int32_t step) {
    gm_rows rows;
    rows.row[0] = row;
    rows.step[0] = step;
    return rows;
}
