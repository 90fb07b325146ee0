/* Declarations, of what the project uses of ArduCAM's imx500-mcu-sdk. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
  uint8_t valid_flag, frame_count;
} IMX500OutputHeader;
typedef struct {
  uint8_t format, bits_per_element;
  int32_t zero_point;
  float scale;
  uint32_t element_count;
  const uint8_t *data;
} IMX500ParsedTensor;
typedef struct {
  uint8_t output_tensor_count;
  IMX500ParsedTensor output_tensors[30];
} IMX500ParsedNetwork;
typedef struct {
  bool has_output_header;
  IMX500OutputHeader output_header;
  uint8_t network_count, selected_network_index;
  IMX500ParsedNetwork networks[3];
} IMX500ParsedMetadata;
typedef enum { SPI_METADATA_OUTPUT_TENSOR } spi_data_format_t;
typedef enum { MIPI_DATA_IMAGE } mipi_data_format_t;

typedef struct {
  int (*write)(uint8_t *data, uint32_t len);
  int (*read)(uint8_t *data, uint32_t len);
} spi_driver;
typedef struct {
  int (*write)(uint16_t addr, uint32_t val, uint32_t size);
  int (*read)(uint16_t addr, uint32_t *val, uint32_t size);
  void (*slp_ms)(uint32_t ms);
  void (*slp_us)(uint64_t us);
} i2c_driver;
void register_spi_driver(spi_driver driver);
void register_i2c_driver(i2c_driver driver);

bool imx500_open(const uint8_t *fw, uint32_t fw_size, const uint8_t *info, uint32_t info_size, mipi_data_format_t mipi,
                 spi_data_format_t spi, uint32_t fps);
void stream_on(void);
int dnn_crop_xyxy_absolute(uint32_t xmin, uint32_t ymin, uint32_t xmax, uint32_t ymax);
int32_t read_metadata(uint8_t *to, uint32_t size);
bool parse_metadata(const uint8_t *data, uint32_t len, spi_data_format_t format, IMX500ParsedMetadata *parsed);
