/* SPDX-License-Identifier: MIT */
/*
 * window.c - rows of pooling, of sums and means over neighbouring dimensions, and of Softmax.
 */
#include "cpu.h"
#include "../../ops/list.h"
#include "kernels/pool/pool_fast.h"
#include "kernels/reduce/reduce_fast.h"
#include "kernels/softmax/softmax_fast.h"

/* The row of a table for 8-bit types: [u8, s8]. FALSE unless in and out are both of one of them with one scale each. */
static gboolean int_index(const QfTensor *x, const QfTensor *y, uint32_t *index)
{
  QfkInt type;
  if (x->dtype != y->dtype || x->enc.count != 1 || y->enc.count != 1 || !qf_cpu_int_type(x->dtype, &type) ||
      type > QFK_S8)
    return FALSE;
  *index = type == QFK_S8;
  return TRUE;
}

static int32_t type_min(QfkInt type)
{
  return type == QFK_S8 ? -128 : 0;
}

static int32_t type_max(QfkInt type)
{
  return type == QFK_S8 ? 127 : 255;
}

typedef struct {
  QfkPoolShape shape;
  QfkEpilogue act;
  QfkPoolInt integer;
  const void *args; /* act or integer */
  QfkPoolFunc run;
} Pool;

typedef struct {
  const Pool *p;
  const void *x;
  void *y;
} PoolCall;

static void pool_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const PoolCall *call = arg;
  call->p->run(&call->p->shape, call->p->args, call->x, call->y, begin, end);
}

static void run_pool(const QfStep *step, const QfExec *exec)
{
  const Pool *p = step->params;
  PoolCall call = {p, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  size_t row = (size_t)p->shape.ow * (size_t)p->shape.c * (size_t)p->shape.kh * (size_t)p->shape.kw;
  qf_cpu_parallel(exec, (size_t)p->shape.n * (size_t)p->shape.oh, 32768 / MAX(row, 1) + 1, pool_range, &call);
}

static void pool_shape(QfkPoolShape *s, const QfNode *node)
{
  const QfPool2dAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *y = node->outputs[0]->dims;
  *s = (QfkPoolShape){.n = (int32_t)x[0],
                      .h = (int32_t)x[1],
                      .w = (int32_t)x[2],
                      .c = (int32_t)x[3],
                      .oh = (int32_t)y[1],
                      .ow = (int32_t)y[2],
                      .kh = a->filter[0],
                      .kw = a->filter[1],
                      .stride = {a->stride[0], a->stride[1]},
                      .dilation = {a->dilation[0], a->dilation[1]},
                      .pad = {a->pad[0], a->pad[1], a->pad[2], a->pad[3]},
                      .count_pad = a->count_pad};
}

/* The integer side; multipliers by divisor are made here. */
static void pool_int(QfLower *lower, const QfNode *node, Pool *p)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  const QfPool2dAttrs *a = node->attrs;
  int32_t taps = p->shape.kh * p->shape.kw;
  QfkPoolInt *q = &p->integer;
  qf_cpu_int_type(x->dtype, &q->type);
  q->y_type = q->type;
  q->x_zero = qf_cpu_zero_point(x);
  q->y_zero = qf_cpu_zero_point(y);
  q->lo = type_min(q->type);
  q->hi = type_max(q->type);
  const float sx = x->enc.entries[0].scale, sy = y->enc.entries[0].scale;
  if (a->act == QF_ACT_CLAMP) {
    q->lo = qfk_requant_bound(a->lo, sy, q->y_zero, type_min(q->type), type_max(q->type));
    q->hi = qfk_requant_bound(a->hi, sy, q->y_zero, type_min(q->type), type_max(q->type));
  }
  float *m = qf_lower_alloc(lower, (size_t)(taps + 1) * sizeof(*m));
  qfk_pool_avg_scales(q, &p->shape, sx, sy, m);
  p->args = q;
}

gboolean qf_cpu_lower_pool(QfLower *lower, QfNode *node)
{
  static const int32_t int_kinds[2][2] = {{QFK_POOL_AVG_U8, QFK_POOL_AVG_S8},
                                          {QFK_POOL_MAX_U8, QFK_POOL_MAX_S8}};
  const QfPool2dAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  gboolean max = node->op == &qf_op_PoolMax2d;
  gboolean is_float = x->dtype == QF_DTYPE_FLOAT32 && y->dtype == QF_DTYPE_FLOAT32;
  int32_t kind = max ? QFK_POOL_MAX_F32 : QFK_POOL_AVG_F32;
  uint32_t type = 0;
  if (a->act > QF_ACT_CLAMP || (!is_float && !int_index(x, y, &type)))
    return FALSE;
  if (!is_float)
    kind = int_kinds[max][type];
  if (!is_float && max && !qf_encoding_equal(&x->enc, &y->enc))
    return FALSE;
  const QfkKernel *kernel = qfk_kernel_find(qfk_pool_kernels, qfk_cpu_features(), kind);
  if (!kernel)
    return FALSE;
  Pool *p = qf_lower_alloc(lower, sizeof(*p));
  pool_shape(&p->shape, node);
  p->act = (QfkEpilogue){.act = a->act, .lo = a->lo, .hi = a->hi};
  p->args = &p->act;
  p->run = (QfkPoolFunc)kernel->function;
  if (!is_float)
    pool_int(lower, node, p);
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_pool, p, 0);
  return TRUE;
}

typedef struct {
  QfkMiddle middle;
  QfkMiddleKind kind;
  QfkMiddleFunc run;
  float m;
} Reduce;

typedef struct {
  const Reduce *p;
  const void *x;
  void *y;
} ReduceCall;

static void reduce_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const ReduceCall *call = arg;
  call->p->run(&call->p->middle, call->x, call->y, begin, end);
}

static void run_reduce(const QfStep *step, const QfExec *exec)
{
  const Reduce *p = step->params;
  const gboolean whole = p->middle.parts == 1;
  void *y = qf_step_out(step, exec, 0);
  ReduceCall call = {p, qf_step_in(step, exec, 0),
                     whole ? y : exec->scratch}; /* of the first thread, for all */
  const size_t part = p->middle.n * p->middle.inner / p->middle.parts;
  qf_cpu_parallel(exec, p->middle.outer * p->middle.parts, 16384 / MAX(part, 1) + 1, reduce_range, &call);
  if (!whole)
    qfk_middle_join(&p->middle, p->kind, exec->scratch, y);
}

/* Seen as [outer, n, inner] when the reduced dimensions are neighbours. */
static gboolean find_middle(const QfTensor *x, const QfInts *axes, QfkMiddle *m)
{
  uint32_t mask = 0;
  int state = 0; /* before, inside, after */
  *m = (QfkMiddle){.outer = 1, .n = 1, .inner = 1, .scale = 1};
  for (int i = 0; i < axes->n; i++)
    mask |= 1u << axes->v[i];
  for (int i = 0; i < x->rank; i++) {
    gboolean reduced = !axes->n || (mask >> i & 1);
    if (reduced && state == 2 && x->dims[i] != 1)
      return FALSE;
    if (reduced && x->dims[i] != 1)
      state = 1;
    else if (!reduced && state == 1 && x->dims[i] != 1)
      state = 2;
    *(reduced ? &m->n : state == 0 ? &m->outer : &m->inner) *= (size_t)x->dims[i];
  }
  return TRUE;
}

static void reduce_int(const QfNode *node, Reduce *p, double count)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfkInt type;
  qf_cpu_int_type(y->dtype, &type);
  p->m = (float)((double)x->enc.entries[0].scale / (double)y->enc.entries[0].scale / count);
  p->middle.x_zero = qf_cpu_zero_point(x);
  p->middle.requant = (QfkRequant){.m = &p->m,
                                   .zero_point = qf_cpu_zero_point(y),
                                   .lo = type_min(type),
                                   .hi = type_max(type)};
}

gboolean qf_cpu_lower_reduce(QfLower *lower, QfNode *node)
{
  static const int32_t int_kinds[] = {QFK_MIDDLE_SUM_U8, QFK_MIDDLE_SUM_S8};
  const QfReduceAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  gboolean mean = node->op == &qf_op_ReduceMean;
  gboolean is_float = x->dtype == QF_DTYPE_FLOAT32 && y->dtype == QF_DTYPE_FLOAT32;
  uint32_t type = 0;
  QfkMiddle middle;
  if (!find_middle(x, &a->axes, &middle) || !qf_tensor_count(x) || middle.n > (1u << 22) ||
      (!is_float && !int_index(x, y, &type)))
    return FALSE;
  const int32_t kind = is_float ? (int32_t)QFK_MIDDLE_SUM_F32 : int_kinds[type];
  const QfkKernel *kernel = qfk_kernel_find(qfk_reduce_kernels, qfk_cpu_features(), kind);
  if (!kernel)
    return FALSE;
  Reduce *p = qf_lower_alloc(lower, sizeof(*p));
  p->middle = middle;
  p->middle.parts = qfk_middle_parts(middle.outer, middle.n, middle.inner);
  p->kind = (QfkMiddleKind)kind;
  p->middle.scale = mean ? 1.0f / (float)middle.n : 1.0f;
  p->run = (QfkMiddleFunc)kernel->function;
  if (!is_float)
    reduce_int(node, p, mean ? (double)middle.n : 1);
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_reduce, p,
                p->middle.parts > 1 ? middle.outer * middle.parts * middle.inner * 4 : 0);
  return TRUE;
}

typedef struct {
  QfkSoftmaxRows rows;
  QfkSoftmaxRowsFunc run;
} Softmax;

typedef struct {
  const Softmax *p;
  const void *x;
  void *y;
} SoftmaxCall;

static void softmax_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const SoftmaxCall *call = arg;
  call->p->run(&call->p->rows, call->x, call->y, begin, end);
}

static void run_softmax(const QfStep *step, const QfExec *exec)
{
  const Softmax *p = step->params;
  const QfkSoftmax *s = &p->rows.softmax;
  SoftmaxCall call = {p, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, (size_t)s->outer, 4096 / MAX((size_t)s->n, 1) + 1, softmax_range, &call);
}

gboolean qf_cpu_lower_softmax(QfLower *lower, QfNode *node)
{
  const QfAxisAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  gboolean is_float = x->dtype == QF_DTYPE_FLOAT32 && y->dtype == QF_DTYPE_FLOAT32;
  uint32_t type = 0;
  if (!qf_tensor_count(x) || qf_dims_count(x->dims + a->axis + 1, x->rank - a->axis - 1) != 1 ||
      (!is_float && (!int_index(x, y, &type) || !(a->beta >= 0))))
    return FALSE;
  int32_t kind = is_float ? (int32_t)QFK_SOFTMAX_F32 : (int32_t)QFK_SOFTMAX_U8 + (int32_t)type;
  const QfkKernel *kernel = qfk_kernel_find(qfk_softmax_kernels, qfk_cpu_features(), kind);
  if (!kernel)
    return FALSE;
  Softmax *p = qf_lower_alloc(lower, sizeof(*p));
  p->rows.softmax = (QfkSoftmax){.outer = qf_dims_count(x->dims, a->axis),
                                 .n = x->dims[a->axis],
                                 .inner = 1,
                                 .beta = a->beta};
  if (!is_float) {
    p->rows.integer.y_scale = y->enc.entries[0].scale;
    p->rows.integer.y_zero = qf_cpu_zero_point(y);
    qfk_softmax_int_init(&p->rows.integer, a->beta, x->enc.entries[0].scale);
  }
  p->run = (QfkSoftmaxRowsFunc)kernel->function;
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_softmax, p, 0);
  return TRUE;
}
