/* SPDX-License-Identifier: MIT */
/*
 * tensor.c - data types and dimensions, the same for the public interface and the graph.
 */
#include <qnnflow/tensor.h>

#include <string.h>

/* G_DEFINE_QUARK() would take the formatter's spaces into the name. */
GQuark qf_error_quark(void)
{
  return g_quark_from_static_string("qf-error-quark");
}

static const struct {
  const char *name;
  uint8_t size;
  gboolean is_float;
  int64_t min, max;
} dtypes[QF_N_DTYPES] = {
    [QF_DTYPE_INVALID] = {"invalid", 0, FALSE, 0, 0},
    [QF_DTYPE_FLOAT32] = {"float32", 4, TRUE, 0, 0},
    [QF_DTYPE_FLOAT16] = {"float16", 2, TRUE, 0, 0},
    [QF_DTYPE_BFLOAT16] = {"bfloat16", 2, TRUE, 0, 0},
    [QF_DTYPE_FLOAT64] = {"float64", 8, TRUE, 0, 0},
    [QF_DTYPE_INT8] = {"int8", 1, FALSE, INT8_MIN, INT8_MAX},
    [QF_DTYPE_UINT8] = {"uint8", 1, FALSE, 0, UINT8_MAX},
    [QF_DTYPE_INT16] = {"int16", 2, FALSE, INT16_MIN, INT16_MAX},
    [QF_DTYPE_UINT16] = {"uint16", 2, FALSE, 0, UINT16_MAX},
    [QF_DTYPE_INT32] = {"int32", 4, FALSE, INT32_MIN, INT32_MAX},
    [QF_DTYPE_UINT32] = {"uint32", 4, FALSE, 0, UINT32_MAX},
    [QF_DTYPE_INT64] = {"int64", 8, FALSE, INT64_MIN, INT64_MAX},
    [QF_DTYPE_UINT64] = {"uint64", 8, FALSE, 0, INT64_MAX},
    [QF_DTYPE_BOOL] = {"bool", 1, FALSE, 0, 1},
};

static gboolean valid(QfDType dtype)
{
  return (unsigned)dtype < QF_N_DTYPES;
}

size_t qf_dtype_size(QfDType dtype)
{
  return valid(dtype) ? dtypes[dtype].size : 0;
}

const char *qf_dtype_name(QfDType dtype)
{
  return dtypes[valid(dtype) ? dtype : QF_DTYPE_INVALID].name;
}

QfDType qf_dtype_from_name(const char *name)
{
  for (int i = 1; name && i < QF_N_DTYPES; i++)
    if (!strcmp(name, dtypes[i].name))
      return i;
  return QF_DTYPE_INVALID;
}

gboolean qf_dtype_is_float(QfDType dtype)
{
  return valid(dtype) && dtypes[dtype].is_float;
}

void qf_dtype_range(QfDType dtype, int64_t *min, int64_t *max)
{
  *min = valid(dtype) ? dtypes[dtype].min : 0;
  *max = valid(dtype) ? dtypes[dtype].max : 0;
}

int64_t qf_dims_count(const int64_t *dims, int32_t rank)
{
  const int64_t limit = (int64_t)1 << 62;
  int64_t n = 1;
  gboolean zero = FALSE;
  for (int i = 0; i < rank; i++) {
    if (dims[i] < 0)
      return -1;
    zero |= dims[i] == 0;
    if (dims[i] && n > limit / dims[i])
      return -1;
    n *= dims[i] ? dims[i] : 1;
  }
  return zero ? 0 : n;
}

char *qf_dims_to_string(const int64_t *dims, int32_t rank)
{
  GString *s = g_string_new(rank ? NULL : "scalar");
  for (int i = 0; i < rank; i++) {
    if (i)
      g_string_append_c(s, 'x');
    if (dims[i] < 0)
      g_string_append_c(s, '?');
    else
      g_string_append_printf(s, "%" G_GINT64_FORMAT, dims[i]);
  }
  return g_string_free(s, FALSE);
}
