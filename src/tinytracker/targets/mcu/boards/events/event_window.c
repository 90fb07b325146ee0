#include "event_window.h"

#include <string.h>

#define ENDS EVENT_WINDOW_CELLS /* the slot before the newest and behind the oldest */
#define NONE UINT16_MAX
#define ROSE 0x8000u

static uint16_t *place_of(event_window *window, uint16_t cell) {
    return &window->first[cell & (EVENT_WINDOW_PLACES - 1)];
}

static uint16_t find(event_window *window, uint16_t cell) {
    uint16_t slot = *place_of(window, cell);
    while (slot != NONE && (window->slots[slot].cell & ~ROSE) != cell) {
        slot = window->slots[slot].next;
    }
    return slot;
}

static void take_out_of_order(event_window *window, uint16_t slot) {
    event_window_slot *slots = window->slots;
    slots[slots[slot].older].newer = slots[slot].newer;
    slots[slots[slot].newer].older = slots[slot].older;
}

static void put_newest(event_window *window, uint16_t slot) {
    event_window_slot *slots = window->slots;
    slots[slot].older = slots[ENDS].older;
    slots[slot].newer = ENDS;
    slots[slots[ENDS].older].newer = slot;
    slots[ENDS].older = slot;
}

static void forget_oldest(event_window *window) {
    event_window_slot *slots = window->slots;
    const uint16_t slot = slots[ENDS].newer;
    uint16_t *link = place_of(window, (uint16_t)(slots[slot].cell & ~ROSE));
    while (*link != slot) {
        link = &slots[*link].next;
    }
    *link = slots[slot].next;
    take_out_of_order(window, slot);
    slots[slot].next = window->free;
    window->free = slot;
    window->count--;
}

static uint16_t add(event_window *window, uint16_t cell) {
    if (window->count == EVENT_WINDOW_CELLS) {
        forget_oldest(window);
    }
    const uint16_t slot = window->free;
    uint16_t *place = place_of(window, cell);
    window->free = window->slots[slot].next;
    window->slots[slot].next = *place;
    *place = slot;
    window->count++;
    return slot;
}

#if EVENT_WINDOW_AMONG
/* Whether one of the latest events was close to this cell; this one is the latest then. */
static bool was_close(event_window *window, uint16_t cell) {
    const int row = cell / EVENT_WINDOW_SIZE, column = cell % EVENT_WINDOW_SIZE;
    bool close = false;
    for (int place = 0; place < EVENT_WINDOW_AMONG && !close; place++) {
        const uint16_t other = window->recent[place];
        if (other != NONE) {
            const int down = other / EVENT_WINDOW_SIZE - row, across = other % EVENT_WINDOW_SIZE - column;
            close = down >= -1 && down <= 1 && across >= -1 && across <= 1;
        }
    }
    window->recent[window->next_recent] = cell;
    window->next_recent = (uint16_t)((window->next_recent + 1) % EVENT_WINDOW_AMONG);
    return close;
}
#endif

void event_window_reset(event_window *window) {
    for (int place = 0; place < EVENT_WINDOW_PLACES; place++) {
        window->first[place] = NONE;
    }
    for (int slot = 0; slot < EVENT_WINDOW_CELLS; slot++) {
        window->slots[slot].next = (uint16_t)(slot + 1);
    }
    window->slots[ENDS].older = window->slots[ENDS].newer = ENDS;
    window->free = 0;
    window->count = 0;
    window->newest_us = 0;
#if EVENT_WINDOW_AMONG
    for (int place = 0; place < EVENT_WINDOW_AMONG; place++) {
        window->recent[place] = NONE;
    }
    window->next_recent = 0;
#endif
}

void event_window_push(event_window *window, uint32_t t_us, int x_px, int y_px, bool rose) {
    const int across = x_px - (EVENT_WINDOW_LEFT_PX), down = y_px - (EVENT_WINDOW_TOP_PX);
    if (across < 0 || down < 0 || across >= EVENT_WINDOW_SIZE * EVENT_WINDOW_SCALE ||
        down >= EVENT_WINDOW_SIZE * EVENT_WINDOW_SCALE) {
        return;
    }
    const uint16_t cell =
        (uint16_t)(down / EVENT_WINDOW_SCALE * EVENT_WINDOW_SIZE + across / EVENT_WINDOW_SCALE);
    window->newest_us = t_us;
#if EVENT_WINDOW_AMONG
    if (!was_close(window, cell)) {
        return;
    }
#endif
    uint16_t slot = find(window, cell);
    if (slot != NONE) {
        take_out_of_order(window, slot);
    } else {
        slot = add(window, cell);
    }
    put_newest(window, slot);
    window->slots[slot].cell = (uint16_t)(cell | (rose ? ROSE : 0));
#if EVENT_WINDOW_LONGEST_US
    window->slots[slot].spoke_us = t_us;
    while (t_us - window->slots[window->slots[ENDS].newer].spoke_us > EVENT_WINDOW_LONGEST_US) {
        forget_oldest(window);
    }
#endif
}

void event_window_write(const event_window *window, int8_t *input) {
    memset(input, EVENT_WINDOW_ABSENT, EVENT_WINDOW_INPUT_BYTES);
    for (uint16_t slot = window->slots[ENDS].older; slot != ENDS; slot = window->slots[slot].older) {
        const uint16_t cell = window->slots[slot].cell;
        input[(cell & ~ROSE) * 2 + (cell & ROSE ? 1 : 0)] = EVENT_WINDOW_PRESENT;
    }
}
