/* SPDX-License-Identifier: MIT */
/*
 * npy.h - NumPy array files (.npy, format 1.0 to 3.0), read and written with every data type that QfDType has.
 * Arrays are dense and row-major, as the engine wants them; the other byte order is swapped on reading.
 */
#ifndef QF_TOOLS_NPY_H
#define QF_TOOLS_NPY_H

#include <qnnflow/tensor.h>

G_BEGIN_DECLS

/* An array in memory. Zero-initialise; free with qf_npy_clear(). */
typedef struct {
  QfDType dtype;
  int32_t rank;              /* 0 (a scalar) to QF_MAX_RANK */
  int64_t dims[QF_MAX_RANK]; /* outermost first */
  size_t size_bytes;         /* product of dims times element size */
  void *data;                /* owned; never NULL after a successful read */
} QfNpy;

/* Reads a file into @array, whose former content is freed. FALSE with QF_ERROR_FILE, _FORMAT, _UNSUPPORTED (a type
 * such as complex, or Fortran order), _SHAPE or _LIMIT. A bfloat16 array is one of two-byte voids ("V2"). */
gboolean qf_npy_read(const char *path, QfNpy *array, GError **error);

/* Writes @data as format 1.0, wholly or not at all. FALSE with QF_ERROR_FILE or _TYPE. */
gboolean qf_npy_write(const char *path, QfDType dtype, const int64_t *dims, int32_t rank, const void *data,
                      GError **error);

/* Frees the data and zeroes the struct. */
void qf_npy_clear(QfNpy *array);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QfNpy, qf_npy_clear)

G_END_DECLS

#endif
