/* SPDX-License-Identifier: MIT */
/*
 * image.h - video frames to tensors: crop, resize, colour, normalise or quantise and layout in one pass, row by row.
 *
 * A spec says what is wanted, in the words of the formula of <qnnflow/image.h>; a plan is a spec with its tables, in memory
 * of the caller. One driver (image.c) walks the rows and calls the row functions of an instruction set, which only know
 * bytes, tables and floats: that a frame is NV12 or BGRA is data (QfkImageComponent, the matrix), never a branch.
 * image_ref.c is the same formula in double precision, straight from the spec: the truth for the tests.
 */
#ifndef QFK_IMAGE_H
#define QFK_IMAGE_H

#include "../common.h"

/* Element types of the tensor. */
typedef enum {
  QFK_IMAGE_F32 = 0,
  QFK_IMAGE_F16,
  QFK_IMAGE_U8,
  QFK_IMAGE_I8,
  QFK_IMAGE_U16,
  QFK_IMAGE_I16,
  QFK_IMAGE_TYPES
} QfkImageType;

/* Outputs that row functions make at a time, those that one 128-bit lane of shuffles makes, and the bytes of its loads. */
#define QFK_IMAGE_GROUP 8
#define QFK_IMAGE_LANE 4
#define QFK_IMAGE_BLOCK 16
/* Most loads a lane may need before the plain path is as good. */
#define QFK_IMAGE_MAX_BLOCKS 24

/* Where the samples of one component (Y, Cb, R, ...) are. */
typedef struct {
  int32_t plane;
  int32_t offset, step;     /* bytes: of the first sample in a row, and from one to the next */
  int32_t shift_x, shift_y; /* log2 of the subsampling */
} QfkImageComponent;

typedef struct {
  int32_t frame_width, frame_height;
  int32_t n_planes;
  int32_t row_bytes[3]; /* of a plane, without padding */
  int32_t n_components; /* 1 or 3 */
  QfkImageComponent component[3];
  int32_t crop[4]; /* x, y, width, height in the frame; inside it, not empty */
  int32_t fit[4];  /* x, y, width, height in the tensor; inside it, not empty */
  int32_t width, height, channels;
  bool area, planar;
  QfkImageType type;
  double matrix[3][3],
      bias[3];            /* stored channel c in 0..255 = matrix[c] . components + bias[c], then clamped */
  double mean[3], std[3]; /* per stored channel; std not 0 */
  double scale;           /* integer types; > 0 */
  int32_t offset;         /* within +-65535 */
  double border[3];       /* per stored channel, 0..255 */
} QfkImageSpec;

/* The horizontal taps of one component. */
typedef struct {
  /* bilinear: byte offsets of both taps, weight of the second */
  int32_t *off0, *off1;
  float *frac;
  /* area: output i is the sum of weight[first[i] + k] * sum[start[i] + k], k < count[i]. Counts are multiples of
   * QFK_IMAGE_GROUP; bytes of other components have no weight. */
  int32_t *start, *count, *first;
  float *weight;
  int32_t offset, step; /* of the component, in bytes */
  /* bilinear by shuffles, a lane of outputs at a time, two lanes a group; blocks 0: not possible, use the lists above.
   * The components of a plane have the same blocks and bases, so that they share the loads. */
  int32_t blocks; /* consecutive loads of QFK_IMAGE_BLOCK bytes a lane */
  int32_t *base;  /* [group][2]: byte offset of each lane's first load */
  uint8_t *masks; /* [group][block][2][16]: places both taps' bytes as 16-bit numbers; 0x80 is zero */
  int16_t *pairs; /* [group][8][2]: weights of both taps, adding up to 1 << 14 */
} QfkImageTaps;

typedef struct QfkImageRows QfkImageRows;

typedef struct {
  QfkImageSpec spec;
  const QfkImageRows *rows;
  QfkImageTaps taps[3];
  struct {
    int32_t first, count; /* its components; none when they are not needed */
  } plane[3];
  float *row[3];     /* component rows of fit width, in 0..255, padded to a multiple of a group */
  float *sum;        /* area: one row of a plane, and a group of zeros */
  float *row_weight; /* area: of the source rows under one output row */
  /* Stored channel c, before rounding and the offset: matrix[c] . (components, 1), clamped to lo[c]..hi[c]. The value is
   * monotone in the colour, so the colour's clamp and the type's are one. */
  float matrix[3][4];
  float lo[3], hi[3];
  double row_ratio;    /* source rows an output row */
  uint8_t border[12];  /* one pixel, stored */
  bool border_is_byte; /* all its bytes are the same */
} QfkImagePlan;

/* One row of the @count components of one plane: @n outputs each from rows @r0 and @r1, @fy the weight of the second, into
 * @dst[] (0..255). Writes up to the next multiple of QFK_IMAGE_GROUP. The rows of the next call for this plane are @ahead
 * bytes further: a hint. */
typedef void (*QfkImageSampleFn)(const QfkImageTaps *taps, int32_t count, const uint8_t *r0,
                                 const uint8_t *r1, float fy, int32_t n, ptrdiff_t ahead, float *const *dst);
/* sum[i] = the sum of weight[j] * row[j * stride + i], j < rows, for @n bytes. */
typedef void (*QfkImageSumFn)(float *sum, const uint8_t *row, ptrdiff_t stride, const float *weight,
                              int32_t rows, int32_t n);
/* One row of one component by the area taps. */
typedef void (*QfkImageAverageFn)(const QfkImageTaps *taps, const float *sum, int32_t n, float *dst);
/* @n pixels from component rows to memory at @dst: colour, clamp, value, type. Channels are @plane elements apart in a
 * planar tensor. Writes exactly these elements. */
typedef void (*QfkImageStoreFn)(const QfkImagePlan *plan, const float *const comp[3], int32_t n, void *dst,
                                size_t plane);

/* The row functions of one instruction set. */
struct QfkImageRows {
  bool shuffles; /* wants the shuffle tables */
  QfkImageSampleFn sample;
  QfkImageSumFn sum;
  QfkImageAverageFn average;
  QfkImageStoreFn store[QFK_IMAGE_TYPES];
};

typedef struct {
  const char *isa;
  uint32_t features;
  const QfkImageRows *rows;
} QfkImageKernel;

#define QFK_IMAGE(isa, features) extern const QfkImageRows qfk_image_rows_##isa;
#include "image.inc"
#undef QFK_IMAGE

/* All kernels that are built in, slowest first. */
const QfkImageKernel *qfk_image_kernels(int32_t *count);
/* The best for @features; never NULL. */
const QfkImageKernel *qfk_image_select(uint32_t features);

size_t qfk_image_type_size(QfkImageType type);

/* Bytes a plan of @spec needs, whatever its crop and fit are. */
size_t qfk_image_plan_size(const QfkImageSpec *spec);
/* Fills @plan with tables in @memory, which must be aligned to 64 bytes and of the size above. */
void qfk_image_plan_init(QfkImagePlan *plan, const QfkImageSpec *spec, const QfkImageRows *rows,
                         void *memory);

/* Converts one frame. @tensor may have any alignment. */
void qfk_image_convert(const QfkImagePlan *plan, const uint8_t *const planes[3], const int32_t strides[3],
                       void *tensor);

/* The same from the formula alone, in double precision. */
void qfk_image_convert_ref(const QfkImageSpec *spec, const uint8_t *const planes[3], const int32_t strides[3],
                           void *tensor);

/* One element of stored channel @c from @rgb (0..255) into @dst: the last two lines of the formula. */
void qfk_image_quantize_ref(const QfkImageSpec *spec, int32_t c, double rgb, void *dst);

/* The plain row functions, for tails and for what an instruction set has nothing better for. */
void qfk_image_sample_c(const QfkImageTaps *taps, int32_t count, const uint8_t *r0, const uint8_t *r1,
                        float fy, int32_t n, ptrdiff_t ahead, float *const *dst);
void qfk_image_sum_c(float *sum, const uint8_t *row, ptrdiff_t stride, const float *weight, int32_t rows,
                     int32_t n);
void qfk_image_average_c(const QfkImageTaps *taps, const float *sum, int32_t n, float *dst);

#endif
