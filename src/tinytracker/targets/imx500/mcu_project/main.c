/* Gaze on a Raspberry Pi Pico 2 from an IMX500 module, without Linux: the network runs in the sensor, its two numbers come
 * in the metadata over SPI. Each line on the USB serial port: x_cm,y_cm,count of the sensor's frame (0 to 255).
 * A line "C a0 a1 a2 a3 a4 a5" sent to it sets a calibration, "R left top width height" where the sensor looks (gaze_sensor.h).
 */
#include <stdio.h>

#include "ArducamIMX500SDK.h"
#include "gaze_network.h"
#include "gaze_sensor.h"
#include "pico_port.h"

#define METADATA_BYTES 16384 /* of output tensors alone; a larger frame is told and skipped */
#define LINE_BYTES 96

static uint8_t metadata[METADATA_BYTES];
static IMX500ParsedMetadata parsed;

static void look_there(const gaze_region *region) {
    dnn_crop_xyxy_absolute((uint32_t)region->left, (uint32_t)region->top, (uint32_t)(region->left + region->width),
                           (uint32_t)(region->top + region->height));
}

static void obey(const char *line) {
    gaze_region region;
    if (gaze_calibrate_line(line)) {
        printf("calibrated\n");
    } else if (gaze_region_line(line, &region)) {
        look_there(&region);
        printf("looking there\n");
    } else {
        printf("error: expected C and six numbers, or R and a region on the sensor\n");
    }
}

static void hear(void) {
    static char line[LINE_BYTES];
    static int length;
    for (int byte = port_read_byte(); byte >= 0; byte = port_read_byte()) {
        if (byte == '\n' || byte == '\r') {
            line[length] = 0;
            if (length > 0) {
                obey(line);
            }
            length = 0;
        } else if (length < LINE_BYTES - 1) {
            line[length++] = (char)byte;
        }
    }
}

static enum gaze_result look(gaze_point *point) {
    if (parsed.network_count == 0 || parsed.networks[parsed.selected_network_index].output_tensor_count == 0) {
        return GAZE_NO_DATA;
    }
    const IMX500ParsedTensor *output = &parsed.networks[parsed.selected_network_index].output_tensors[0];
    const gaze_tensor tensor = {output->data,   output->element_count, output->bits_per_element,
                                output->format != 0, output->zero_point,    output->scale};
    return gaze_from_tensor(&tensor, point);
}

int main(void) {
    port_open();
    if (!imx500_open(NULL, 0, NULL, 0, MIPI_DATA_IMAGE, SPI_METADATA_OUTPUT_TENSOR, GAZE_FRAMES_PER_S)) {
        for (;;) {
            printf("error: the module does not open; are wires, network and network_info in its flash right?\n");
            port_sleep_ms(1000);
        }
    }
    const gaze_region region = {GAZE_ROI_LEFT, GAZE_ROI_TOP, GAZE_ROI_WIDTH, GAZE_ROI_HEIGHT};
    look_there(&region);
    gaze_look_at(&region);
    stream_on();
    int last = -1;
    for (;;) {
        hear();
        int32_t bytes = read_metadata(metadata, sizeof metadata);
        if (bytes <= 0 || !parse_metadata(metadata, (uint32_t)bytes, SPI_METADATA_OUTPUT_TENSOR, &parsed)) {
            printf("error: no metadata (%ld bytes)\n", (long)bytes);
            continue;
        }
        if (!parsed.has_output_header || !parsed.output_header.valid_flag || parsed.output_header.frame_count == last) {
            continue; /* nothing new: the network is slower than the frames come */
        }
        last = parsed.output_header.frame_count;
        gaze_point point;
        enum gaze_result result = look(&point);
        if (result == GAZE_OK) {
            printf("%.2f,%.2f,%d\n", (double)point.x_cm, (double)point.y_cm, last);
        } else {
            printf("error: the network's output cannot be used, code %d\n", (int)result);
        }
    }
}
