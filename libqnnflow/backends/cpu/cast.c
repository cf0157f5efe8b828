/* SPDX-License-Identifier: MIT */
/*
 * cast.c - the casts that models have between their layers, and int32 arithmetic with one number, as plain loops over a piece each.
 * Results are those of the reference; what has no row here is left to it.
 */
#include "cpu.h"
#include "../../ops/list.h"

typedef void (*CastFunc)(const void *x, void *y, size_t begin, size_t end);

#define CAST(name, from, to)                                                                                 \
  static void name(const void *x, void *y, size_t begin, size_t end)                                         \
  {                                                                                                          \
    const from *a = x;                                                                                       \
    to *b = y;                                                                                               \
    for (size_t i = begin; i < end; i++)                                                                     \
      b[i] = (to)a[i];                                                                                       \
  }
CAST(u8_to_s32, uint8_t, int32_t)
CAST(s8_to_s32, int8_t, int32_t)
CAST(u8_to_f32, uint8_t, float)
CAST(s32_to_f32, int32_t, float)
CAST(s64_to_f32, int64_t, float)
CAST(s32_to_s64, int32_t, int64_t)
CAST(s64_to_s32, int64_t, int32_t)

/* Cut toward zero and clamped. */
static void f32_to_u8(const void *x, void *y, size_t begin, size_t end)
{
  const float *a = x;
  uint8_t *b = y;
  for (size_t i = begin; i < end; i++) {
    const float v = a[i] > 0 ? a[i] : 0;
    b[i] = (uint8_t)(int32_t)(v < 255 ? v : 255);
  }
}

static const struct {
  QfDType from, to;
  CastFunc run;
  const char *name;
} casts[] = {
    {QF_DTYPE_UINT8, QF_DTYPE_INT32, u8_to_s32, "cast_u8_s32"},
    {QF_DTYPE_INT8, QF_DTYPE_INT32, s8_to_s32, "cast_s8_s32"},
    {QF_DTYPE_UINT8, QF_DTYPE_FLOAT32, u8_to_f32, "cast_u8_f32"},
    {QF_DTYPE_BOOL, QF_DTYPE_FLOAT32, u8_to_f32, "cast_u8_f32"},
    {QF_DTYPE_INT32, QF_DTYPE_FLOAT32, s32_to_f32, "cast_s32_f32"},
    {QF_DTYPE_INT64, QF_DTYPE_FLOAT32, s64_to_f32, "cast_s64_f32"},
    {QF_DTYPE_INT32, QF_DTYPE_INT64, s32_to_s64, "cast_s32_s64"},
    {QF_DTYPE_INT64, QF_DTYPE_INT32, s64_to_s32, "cast_s64_s32"},
    {QF_DTYPE_FLOAT32, QF_DTYPE_UINT8, f32_to_u8, "cast_f32_u8"},
};

typedef struct {
  size_t n;
  CastFunc run;
  void (*combine)(const int32_t *x, int32_t y, int32_t *z, size_t begin, size_t end);
} Loop;

typedef struct {
  const Loop *loop;
  const void *x;
  int32_t number;
  void *y;
} Call;

static void cast_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const Call *c = arg;
  c->loop->run(c->x, c->y, begin, end);
}

static void run_cast(const QfStep *step, const QfExec *exec)
{
  const Loop *loop = step->params;
  Call call = {loop, qf_step_in(step, exec, 0), 0, qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, loop->n, 1 << 15, cast_range, &call);
}

gboolean qf_cpu_lower_cast(QfLower *lower, QfNode *node)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  for (size_t i = 0; i < G_N_ELEMENTS(casts); i++) {
    if (casts[i].from != x->dtype || casts[i].to != y->dtype || x->enc.count || y->enc.count)
      continue;
    Loop *loop = qf_lower_alloc(lower, sizeof(*loop));
    *loop = (Loop){.n = (size_t)qf_tensor_count(y), .run = casts[i].run};
    qf_lower_step(lower, node, QF_CPU_UNIT, casts[i].name, run_cast, loop, 0);
    return TRUE;
  }
  return FALSE;
}

/* Integers wrap around. */
#define COMBINE(name, op)                                                                                    \
  static void name(const int32_t *x, int32_t y, int32_t *z, size_t begin, size_t end)                        \
  {                                                                                                          \
    for (size_t i = begin; i < end; i++)                                                                     \
      z[i] = (int32_t)((uint32_t)x[i] op(uint32_t) y);                                                       \
  }
COMBINE(add_s32, +)
COMBINE(subtract_s32, -)
COMBINE(multiply_s32, *)

static void combine_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const Call *c = arg;
  c->loop->combine(c->x, c->number, c->y, begin, end);
}

static void run_combine(const QfStep *step, const QfExec *exec)
{
  const Loop *loop = step->params;
  Call call = {loop, qf_step_in(step, exec, 0), *(const int32_t *)qf_step_in(step, exec, 1),
               qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, loop->n, 1 << 15, combine_range, &call);
}

gboolean qf_cpu_binary_integers(QfLower *lower, QfNode *node)
{
  const QfTensor *x = node->inputs[0], *b = node->inputs[1], *y = node->outputs[0];
  const QfBinaryAttrs *a = node->attrs;
  Loop loop = {.n = (size_t)qf_tensor_count(y),
               .combine = node->op == &qf_op_ElementWiseAdd        ? add_s32
                          : node->op == &qf_op_ElementWiseSubtract ? subtract_s32
                          : node->op == &qf_op_ElementWiseMultiply ? multiply_s32
                                                                   : NULL};
  if (!loop.combine || x->dtype != QF_DTYPE_INT32 || b->dtype != QF_DTYPE_INT32 || x->enc.count ||
      b->enc.count || y->enc.count || a->epi.act || qf_tensor_count(b) != 1 ||
      qf_tensor_count(x) != qf_tensor_count(y))
    return FALSE;
  Loop *p = qf_lower_alloc(lower, sizeof(*p));
  *p = loop;
  qf_lower_step(lower, node, QF_CPU_UNIT, "binary_s32", run_combine, p, 0);
  return TRUE;
}
