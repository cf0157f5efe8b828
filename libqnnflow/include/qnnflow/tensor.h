/* SPDX-License-Identifier: MIT */
/*
 * tensor.h - data types, encodings and descriptions of tensors.
 *
 * Dimensions are written outermost first and tensors are dense, row-major. A quantized value q stands for
 *     real = (q + offset) * scale
 * which is the sign the QNN SDK uses for `offset` (zero_point = -offset).
 * All functions here are pure and thread-safe.
 */
#ifndef QNNFLOW_TENSOR_H
#define QNNFLOW_TENSOR_H

#include <qnnflow/error.h>
#include <stddef.h>
#include <stdint.h>

G_BEGIN_DECLS

#define QF_MAX_RANK 8

/* The alignment, in bytes, of every buffer the engine allocates; caller's buffers may have any. */
#define QF_ALIGNMENT 128

typedef enum {
  QF_DTYPE_INVALID = 0, /* not known (yet) */
  QF_DTYPE_FLOAT32,
  QF_DTYPE_FLOAT16,
  QF_DTYPE_BFLOAT16,
  QF_DTYPE_FLOAT64,
  QF_DTYPE_INT8,
  QF_DTYPE_UINT8,
  QF_DTYPE_INT16,
  QF_DTYPE_UINT16,
  QF_DTYPE_INT32,
  QF_DTYPE_UINT32,
  QF_DTYPE_INT64,
  QF_DTYPE_UINT64,
  QF_DTYPE_BOOL, /* one byte an element, 0 or 1 */
  QF_N_DTYPES
} QfDType;

/* Bytes an element; 0 for QF_DTYPE_INVALID or a value out of range. */
QF_API size_t qf_dtype_size(QfDType dtype);

/* "float32", "uint8", ...; "invalid" when out of range. Static. */
QF_API const char *qf_dtype_name(QfDType dtype);

/* The inverse of qf_dtype_name(); QF_DTYPE_INVALID when @name is NULL or unknown. */
QF_API QfDType qf_dtype_from_name(const char *name);

/* TRUE for float16, bfloat16, float32 and float64. */
QF_API gboolean qf_dtype_is_float(QfDType dtype);

/* Smallest and largest value of an integer type; both 0 for other types. */
QF_API void qf_dtype_range(QfDType dtype, int64_t *min, int64_t *max);

/* What the dimensions of a 4-D image tensor mean. Only a hint for those who fill or read it. */
typedef enum {
  QF_LAYOUT_ANY = 0, /* not an image, or not known */
  QF_LAYOUT_NHWC,
  QF_LAYOUT_NCHW,
} QfLayout;

/* real = (q + offset) * scale */
typedef struct {
  float scale;    /* > 0 */
  int32_t offset; /* -zero_point */
} QfScaleOffset;

/* How integers encode real numbers. */
typedef struct {
  uint32_t count;               /* 0: not quantized; 1: whole tensor; else one entry per index of @axis */
  int32_t axis;                 /* with count > 1: the dimension the entries run along, else ignored */
  const QfScaleOffset *entries; /* @count of them, owned by whoever owns the struct; NULL when count is 0 */
} QfQuant;

/* A tensor as seen from outside: an input or an output of a model. Read-only, owned by the model. */
typedef struct {
  const char *name;          /* as in the source model, never NULL */
  QfDType dtype;             /* never QF_DTYPE_INVALID */
  int32_t rank;              /* 0 (a scalar) to QF_MAX_RANK; see qf_model_is_dynamic() for -1 */
  int64_t dims[QF_MAX_RANK]; /* outermost first, each >= 0 (of a dynamic model also -1); unused ones are 0 */
  QfLayout layout;           /* for rank 4; QF_LAYOUT_ANY when not known */
  QfQuant quant;             /* count is 0 for float and for plain integers */
  size_t size_bytes;         /* product of dims times element size */
  /* Of an input's dimensions that the file leaves open: the name it has there, "" without one. NULL: not open. */
  const char *dim_names[QF_MAX_RANK];
} QfTensorDesc;

/* Number of elements of @dims[0..rank), or -1 when a dimension is negative or the product exceeds 2^62. */
QF_API int64_t qf_dims_count(const int64_t *dims, int32_t rank);

/* "1x224x224x3" ("scalar" for rank 0, "?" for a negative dimension). Free with g_free(). */
QF_API char *qf_dims_to_string(const int64_t *dims, int32_t rank);

G_END_DECLS

#endif
