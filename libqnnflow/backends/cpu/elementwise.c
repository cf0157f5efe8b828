/* SPDX-License-Identifier: MIT */
/*
 * elementwise.c - rows of binary and unary operators, quantization and Transpose.
 */
#include "nd.h"
#include "../../ops/list.h"
#include "kernels/binary/binary_fast.h"
#include "kernels/copy/copy_fast.h"
#include "kernels/quantize/quantize_fast.h"
#include "kernels/unary/unary_fast.h"

#include <float.h>
#include <string.h>

/* Elements that make a piece worth a thread. */
#define GRAIN 16384

typedef struct {
  QfkBinary binary;
  QfkBinaryFunc run;
  size_t bytes; /* an element */
} Binary;

typedef struct {
  const Binary *p;
  const char *a, *b;
  char *y;
} BinaryCall;

static void binary_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const BinaryCall *call = arg;
  const QfkNd *nd = &call->p->binary.nd;
  const ptrdiff_t bytes = (ptrdiff_t)call->p->bytes;
  QfkBinary part = call->p->binary;
  part.nd = qf_cpu_nd_slice(nd, begin, end);
  call->p->run(&part, call->a + qf_cpu_nd_offset(nd, 1, begin) * bytes,
               call->b + qf_cpu_nd_offset(nd, 2, begin) * bytes,
               call->y + qf_cpu_nd_offset(nd, 0, begin) * bytes);
}

static void run_binary(const QfStep *step, const QfExec *exec)
{
  const Binary *p = step->params;
  BinaryCall call = {p, qf_step_in(step, exec, 0), qf_step_in(step, exec, 1), qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, (size_t)p->binary.nd.dims[0], qf_cpu_nd_grain(&p->binary.nd), binary_range, &call);
}

static const struct {
  const QfOpDef *op;
  QfkBinaryOp kernel;
} binary_ops[] = {
    {&qf_op_ElementWiseAdd, QFK_BINARY_ADD},
    {&qf_op_ElementWiseSubtract, QFK_BINARY_SUB},
    {&qf_op_ElementWiseMultiply, QFK_BINARY_MUL},
    {&qf_op_ElementWiseDivide, QFK_BINARY_DIV},
    {&qf_op_ElementWiseMaximum, QFK_BINARY_MAX},
    {&qf_op_ElementWiseMinimum, QFK_BINARY_MIN},
    {&qf_op_ElementWiseSquaredDifference, QFK_BINARY_SQUARED_DIFFERENCE},
    {&qf_op_Prelu, QFK_BINARY_PRELU},
};

static gboolean encoding_of(const QfTensor *t, QfkEncoding *e)
{
  if (t->enc.count != 1 || !qf_cpu_int_type(t->dtype, &e->type) || e->type > QFK_S8)
    return FALSE;
  e->scale = t->enc.entries[0].scale;
  e->zero = -t->enc.entries[0].offset;
  return TRUE;
}

/* Kernel kind of the node's types, with the integer constants made; FALSE: the reference takes it. */
static gboolean binary_kind(const QfNode *node, QfkBinary *p, int32_t *kind)
{
  const QfTensor *a = node->inputs[0], *b = node->inputs[1], *y = node->outputs[0];
  QfkEncoding ea, eb, ey;
  if (a->dtype != b->dtype || a->dtype != y->dtype)
    return FALSE;
  *kind = QFK_BINARY_F32;
  if (a->dtype == QF_DTYPE_FLOAT32)
    return qfk_binary_is_vec(p, false);
  if (!encoding_of(a, &ea) || !encoding_of(b, &eb) || !encoding_of(y, &ey) || !qfk_binary_is_vec(p, true))
    return FALSE;
  qfk_binary_int_init(p, ea, eb, ey);
  *kind = ea.type == QFK_U8 ? QFK_BINARY_U8 : QFK_BINARY_S8;
  return TRUE;
}

gboolean qf_cpu_lower_binary(QfLower *lower, QfNode *node)
{
  const QfBinaryAttrs *a = node->attrs;
  QfkBinary binary = {.op = QFK_N_BINARY};
  int32_t kind;
  for (size_t i = 0; i < G_N_ELEMENTS(binary_ops); i++)
    if (binary_ops[i].op == node->op)
      binary.op = binary_ops[i].kernel;
  if (binary.op == QFK_N_BINARY || !qf_tensor_count(node->outputs[0]))
    return FALSE;
  if (node->inputs[0]->dtype == QF_DTYPE_INT32 && !node->inputs[0]->enc.count)
    return qf_cpu_binary_integers(lower, node);
  if (node->op->attrs_size == sizeof(*a))
    binary.act = (QfkEpilogue){.act = a->epi.act, .lo = a->epi.lo, .hi = a->epi.hi, .alpha = a->epi.alpha};
  qf_cpu_nd_broadcast(&binary.nd, node->outputs[0], node->inputs, 2);
  if (!binary_kind(node, &binary, &kind))
    return FALSE;
  const QfkKernel *kernel = qfk_kernel_find(qfk_binary_kernels, qfk_cpu_features(), kind);
  if (!kernel)
    return FALSE;
  Binary *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (Binary){binary, (QfkBinaryFunc)kernel->function, qf_dtype_size(node->outputs[0]->dtype)};
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_binary, p, 0);
  return TRUE;
}

/* Unary functions, table lookups and conversions: n elements in, n out. */
typedef struct {
  QfkUnary unary;
  QfkUnaryFunc run_unary;
  QfkLinear linear;
  QfkLinearFunc run_linear;
  uint8_t table[256];
  size_t count, in_bytes, out_bytes;
} Map;

typedef struct {
  const Map *p;
  const char *x;
  char *y;
} MapCall;

static void map_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const MapCall *call = arg;
  const Map *p = call->p;
  const void *x = call->x + begin * p->in_bytes;
  void *y = call->y + begin * p->out_bytes;
  if (p->run_unary)
    p->run_unary(&p->unary, x, y, end - begin);
  else if (p->run_linear)
    p->run_linear(&p->linear, x, y, end - begin);
  else
    qfk_lookup_u8_ref(p->table, x, y, end - begin);
}

static void run_map(const QfStep *step, const QfExec *exec)
{
  const Map *p = step->params;
  MapCall call = {p, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, p->count, GRAIN, map_range, &call);
}

static Map *new_map(QfLower *lower, const QfNode *node)
{
  Map *p = qf_lower_alloc(lower, sizeof(*p));
  p->count = (size_t)qf_tensor_count(node->outputs[0]);
  p->in_bytes = qf_dtype_size(node->inputs[0]->dtype);
  p->out_bytes = qf_dtype_size(node->outputs[0]->dtype);
  return p;
}

static const struct {
  const QfOpDef *op;
  QfkUnaryOp kernel;
  float lo, hi;
  gboolean clamp; /* lo and hi are those of this row */
} unary_ops[] = {
    {&qf_op_ElementWiseAbs, QFK_UNARY_ABS, 0, 0, FALSE},
    {&qf_op_ElementWiseNeg, QFK_UNARY_NEG, 0, 0, FALSE},
    {&qf_op_ElementWiseExp, QFK_UNARY_EXP, 0, 0, FALSE},
    {&qf_op_ElementWiseSquareRoot, QFK_UNARY_SQRT, 0, 0, FALSE},
    {&qf_op_ElementWiseRsqrt, QFK_UNARY_RSQRT, 0, 0, FALSE},
    {&qf_op_ElementWiseReciprocal, QFK_UNARY_RECIPROCAL, 0, 0, FALSE},
    {&qf_op_ElementWiseFloor, QFK_UNARY_FLOOR, 0, 0, FALSE},
    {&qf_op_ElementWiseCeil, QFK_UNARY_CEIL, 0, 0, FALSE},
    {&qf_op_ElementWiseRound, QFK_UNARY_ROUND, 0, 0, FALSE},
    {&qf_op_Erf, QFK_UNARY_ERF, 0, 0, FALSE},
    {&qf_op_Relu, QFK_UNARY_CLAMP, 0, INFINITY, TRUE},
    {&qf_op_Relu6, QFK_UNARY_CLAMP, 0, 6, TRUE},
    {&qf_op_ReluMinMax, QFK_UNARY_CLAMP, 0, 0, FALSE},
    {&qf_op_LeakyRelu, QFK_UNARY_LEAKY, 0, 0, FALSE},
    {&qf_op_Elu, QFK_UNARY_ELU, 0, 0, FALSE},
    {&qf_op_Sigmoid, QFK_UNARY_SIGMOID, 0, 0, FALSE},
    {&qf_op_HardSigmoid, QFK_UNARY_HARD_SIGMOID, 0, 0, FALSE},
    {&qf_op_HardSwish, QFK_UNARY_HARD_SWISH, 0, 0, FALSE},
    {&qf_op_Silu, QFK_UNARY_SILU, 0, 0, FALSE},
    {&qf_op_Tanh, QFK_UNARY_TANH, 0, 0, FALSE},
    {&qf_op_Gelu, QFK_UNARY_GELU, 0, 0, FALSE},
};

static gboolean find_unary(const QfNode *node, QfkUnary *u)
{
  const QfUnaryAttrs *a = node->op->attrs_size == sizeof(*a) ? node->attrs : NULL;
  for (size_t i = 0; i < G_N_ELEMENTS(unary_ops); i++) {
    if (unary_ops[i].op != node->op)
      continue;
    *u = (QfkUnary){.op = unary_ops[i].kernel};
    if (a)
      *u = (QfkUnary){unary_ops[i].kernel, a->alpha, a->beta, a->lo, a->hi};
    if (unary_ops[i].clamp) {
      u->lo = unary_ops[i].lo;
      u->hi = unary_ops[i].hi;
    }
    if (u->op == QFK_UNARY_GELU && a && a->approximate)
      u->op = QFK_UNARY_GELU_TANH;
    return TRUE;
  }
  return FALSE;
}

gboolean qf_cpu_lower_unary(QfLower *lower, QfNode *node)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfkUnary unary;
  QfkEncoding ex, ey;
  if (!find_unary(node, &unary))
    return FALSE;
  if (encoding_of(x, &ex) && encoding_of(y, &ey)) {
    Map *p = new_map(lower, node);
    qfk_unary_table(&unary, ex.type, ex.scale, ex.zero, ey.type, ey.scale, ey.zero, p->table);
    qf_lower_step(lower, node, QF_CPU_UNIT, "lookup_u8", run_map, p, 0);
    return TRUE;
  }
  const QfkKernel *kernel = qfk_kernel_find(qfk_unary_kernels, qfk_cpu_features(), QFK_UNARY_F32);
  if (!kernel || x->dtype != QF_DTYPE_FLOAT32 || y->dtype != QF_DTYPE_FLOAT32 || !qfk_unary_is_vec(unary.op))
    return FALSE;
  Map *p = new_map(lower, node);
  p->unary = unary;
  p->run_unary = (QfkUnaryFunc)kernel->function;
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_map, p, 0);
  return TRUE;
}

/* Quantize and Dequantize between float32 and 8 or 16 bits with one scale. */
gboolean qf_cpu_lower_quantize(QfLower *lower, QfNode *node)
{
  gboolean quantize = node->op == &qf_op_Quantize;
  const QfTensor *real = node->inputs[0], *integer = node->outputs[0];
  QfkInt type;
  if (!quantize) {
    integer = node->inputs[0];
    real = node->outputs[0];
  }
  if (real->dtype != QF_DTYPE_FLOAT32 || integer->enc.count != 1 || !qf_cpu_int_type(integer->dtype, &type))
    return FALSE;
  static const int32_t kinds[2][4] = {{[QFK_U8] = QFK_LINEAR_DEQUANTIZE_U8,
                                       QFK_LINEAR_DEQUANTIZE_S8,
                                       QFK_LINEAR_DEQUANTIZE_U16,
                                       QFK_LINEAR_DEQUANTIZE_S16},
                                      {[QFK_U8] = QFK_LINEAR_QUANTIZE_U8,
                                       QFK_LINEAR_QUANTIZE_S8,
                                       QFK_LINEAR_QUANTIZE_U16,
                                       QFK_LINEAR_QUANTIZE_S16}};
  const QfkKernel *kernel = qfk_kernel_find(qfk_quantize_kernels, qfk_cpu_features(), kinds[quantize][type]);
  if (!kernel)
    return FALSE;
  Map *p = new_map(lower, node);
  p->linear = (QfkLinear){integer->enc.entries[0].scale, qf_cpu_zero_point(integer)};
  p->run_linear = (QfkLinearFunc)kernel->function;
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_map, p, 0);
  return TRUE;
}

typedef struct {
  QfkNd nd;
  size_t bytes;
} Copy;

typedef struct {
  const Copy *p;
  const char *x;
  char *y;
} CopyCall;

static void copy_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const CopyCall *call = arg;
  const QfkNd *nd = &call->p->nd;
  const ptrdiff_t bytes = (ptrdiff_t)call->p->bytes;
  QfkNd part = qf_cpu_nd_slice(nd, begin, end);
  qfk_copy_tiled(&part, (uint32_t)bytes, call->x + qf_cpu_nd_offset(nd, 1, begin) * bytes,
                 call->y + qf_cpu_nd_offset(nd, 0, begin) * bytes);
}

static void run_copy(const QfStep *step, const QfExec *exec)
{
  const Copy *p = step->params;
  CopyCall call = {p, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, (size_t)p->nd.dims[0], qf_cpu_nd_grain(&p->nd), copy_range, &call);
}

gboolean qf_cpu_lower_transpose(QfLower *lower, QfNode *node)
{
  if (!qf_tensor_count(node->outputs[0]))
    return FALSE;
  Copy *p = qf_lower_alloc(lower, sizeof(*p));
  p->bytes = qf_dtype_size(node->outputs[0]->dtype);
  qf_cpu_nd_transpose(&p->nd, node->outputs[0], node->inputs[0],
                      ((const QfTransposeAttrs *)node->attrs)->perm.v);
  qf_lower_step(lower, node, QF_CPU_UNIT, "copy_tiled", run_copy, p, 0);
  return TRUE;
}
