/* SPDX-License-Identifier: MIT */
/*
 * integer.c - MatMul of plain int32 numbers with constant weights that fit int16, as MatMulInteger leaves them. Data is narrowed to
 * int16 on the way; a row that does not fit is multiplied as it is.
 */
#include "cpu.h"
#include "kernels/gemm/dot16.h"

typedef struct {
  size_t m, n, k;
  const int16_t *b; /* [n][k] */
  QfkDot16Func run;
} Product;

typedef struct {
  const Product *p;
  const QfExec *exec;
  const int32_t *a;
  int32_t *c;
} Call;

enum { ROWS = 16 }; /* that are narrowed at once */

static gboolean narrow(const int32_t *from, int16_t *to, size_t n)
{
  int32_t lost = 0;
  for (size_t i = 0; i < n; i++) {
    to[i] = (int16_t)from[i];
    lost |= from[i] ^ to[i];
  }
  return !lost;
}

static void multiply_wide(const Product *p, size_t m, const int32_t *a, int32_t *c)
{
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < p->n; j++) {
      uint32_t sum = 0;
      for (size_t k = 0; k < p->k; k++)
        sum += (uint32_t)a[i * p->k + k] * (uint32_t)p->b[j * p->k + k];
      c[i * p->n + j] = (int32_t)sum;
    }
}

static void run_rows(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const Call *call = arg;
  const Product *p = call->p;
  int16_t *rows = (int16_t *)(call->exec->scratch + thread * call->exec->scratch_stride);
  for (size_t i = begin; i < end; i += ROWS) {
    const size_t m = MIN(end - i, ROWS);
    const int32_t *a = call->a + i * p->k;
    if (narrow(a, rows, m * p->k))
      p->run(m, p->n, p->k, rows, p->b, call->c + i * p->n);
    else
      multiply_wide(p, m, a, call->c + i * p->n);
  }
}

static void run_product(const QfStep *step, const QfExec *exec)
{
  const Product *p = step->params;
  Call call = {p, exec, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, p->m, ROWS, run_rows, &call);
}

/* Whether all weights fit int16, which goes with what is packed. */
static gboolean fits(QfLower *lower, const QfTensor *b, size_t n)
{
  void *fill;
  const uint32_t *known = qf_lower_packed(lower, "choice of 16 bits", sizeof(*known), &fill);
  if (!fill)
    return *known == 1;
  const int32_t *from = qf_tensor_data(b);
  int32_t lost = 0;
  for (size_t i = 0; i < n; i++)
    lost |= from[i] ^ (int16_t)from[i];
  *(uint32_t *)fill = !lost;
  return !lost;
}

static void pack(const int32_t *from, size_t n, size_t k, gboolean transposed, int16_t *packed)
{
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < k; i++)
      packed[j * k + i] = (int16_t)from[transposed ? j * k + i : i * n + j];
}

gboolean qf_cpu_matmul_integers(QfLower *lower, QfNode *node)
{
  const QfMatMulAttrs *attrs = node->attrs;
  const QfTensor *a = node->inputs[0], *b = node->inputs[1], *y = node->outputs[0];
  if (!b->data || b->dtype != QF_DTYPE_INT32 || b->rank != 2 || a->rank < 2 || attrs->transpose_in0 ||
      y->dtype != QF_DTYPE_INT32 || !qf_tensor_count(y) || !qf_tensor_count(b))
    return FALSE;
  const size_t k = (size_t)b->dims[attrs->transpose_in1 ? 1 : 0],
               n = (size_t)b->dims[attrs->transpose_in1 ? 0 : 1];
  if (!fits(lower, b, n * k))
    return FALSE;
  const QfkKernel *kernel = qfk_kernel_find(qfk_dot16_kernels, qfk_cpu_features(), 0);
  void *fill;
  const int16_t *packed = qf_lower_packed(lower, kernel->name, n * k * sizeof(*packed), &fill);
  if (fill)
    pack(qf_tensor_data(b), n, k, attrs->transpose_in1, fill);
  Product *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (Product){(size_t)qf_tensor_count(a) / k, n, k, packed, (QfkDot16Func)kernel->function};
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_product, p, ROWS * k * sizeof(int16_t));
  qf_lower_release(lower, b);
  return TRUE;
}
