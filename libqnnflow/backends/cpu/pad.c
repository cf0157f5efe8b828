/* SPDX-License-Identifier: MIT */
/*
 * pad.c - the row of Pad: one padded dimension, in rows of whole words, as networks have it that widen their channels. What is larger
 * goes to the reference, where rows are long enough.
 */
#include "cpu.h"
#include "kernels/copy/copy_fast.h"

#include <string.h>

enum { LONG_ROW = 256 }; /* words */

typedef struct {
  size_t rows, before, n, after; /* words */
  uint32_t value;
} Pad;

typedef struct {
  const Pad *p;
  const uint32_t *x;
  uint32_t *y;
} Call;

static void pad_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const Call *call = arg;
  const Pad *p = call->p;
  qfk_pad_rows(end - begin, p->before, p->n, p->after, p->value, call->x + begin * p->n,
               call->y + begin * (p->before + p->n + p->after));
}

static void run_pad(const QfStep *step, const QfExec *exec)
{
  const Pad *p = step->params;
  Call call = {p, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, p->rows, 8192 / (p->before + p->n + p->after) + 1, pad_range, &call);
}

/* The value as four bytes; FALSE: other types. */
static gboolean find_value(const QfNode *node, uint32_t *value)
{
  const QfTensor *y = node->outputs[0];
  const QfPadAttrs *a = node->attrs;
  QfkInt type;
  if (y->dtype == QF_DTYPE_FLOAT32) {
    memcpy(value, &a->value, sizeof(*value));
    return TRUE;
  }
  if (a->value != 0 || y->enc.count != 1 || !qf_cpu_int_type(y->dtype, &type) || type > QFK_S8)
    return FALSE;
  *value = (uint8_t)qf_cpu_zero_point(y) * 0x01010101u;
  return TRUE;
}

gboolean qf_cpu_lower_pad(QfLower *lower, QfNode *node)
{
  const QfPadAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  const size_t size = qf_dtype_size(y->dtype);
  int32_t axis = -1, n_axes = 0;
  Pad pad = {0};
  for (int32_t i = 0; i < x->rank; i++)
    if (a->before.v[i] || a->after.v[i]) {
      axis = i;
      n_axes++;
    }
  if (a->scheme != QF_PAD_CONSTANT || n_axes != 1 || !qf_tensor_count(x) || x->dtype != y->dtype ||
      !qf_encoding_equal(&x->enc, &y->enc) || a->before.v[axis] < 0 || a->after.v[axis] < 0 ||
      !find_value(node, &pad.value))
    return FALSE;
  const size_t inner = (size_t)qf_dims_count(x->dims + axis + 1, x->rank - axis - 1) * size;
  const size_t bytes[] = {(size_t)a->before.v[axis] * inner, (size_t)x->dims[axis] * inner,
                          (size_t)a->after.v[axis] * inner};
  if (bytes[0] % 4 || bytes[1] % 4 || bytes[2] % 4 || bytes[1] / 4 > LONG_ROW)
    return FALSE;
  pad.rows = (size_t)qf_dims_count(x->dims, axis);
  pad.before = bytes[0] / 4;
  pad.n = bytes[1] / 4;
  pad.after = bytes[2] / 4;
  Pad *p = qf_lower_alloc(lower, sizeof(*p));
  *p = pad;
  qf_lower_step(lower, node, QF_CPU_UNIT, "pad_rows", run_pad, p, 0);
  return TRUE;
}
