/* SPDX-License-Identifier: MIT */
/*
 * join.c - rows of Concat, Pack, Split and Unpack: every part is a run of bytes in each row of the whole. A part of Concat with another encoding
 * goes through a table of 256 bytes.
 */
#include "cpu.h"
#include "kernels/quantize/quantize.h"
#include "kernels/unary/unary.h"

#include <string.h>

/* Of a piece that is worth a thread. A thread finds in its own cache what it copies, for the step before was shared out the same way;
 * one thread alone would fetch half from another core, and so would who reads the copy. */
#define PIECE_BYTES (16u << 10)

typedef struct {
  size_t bytes;         /* in one row */
  const uint8_t *table; /* NULL: copied */
} Part;

/* Few rows are cut into so many slices each, of every part. */
#define SLICES 16

typedef struct {
  size_t rows, row_bytes, slices;
  uint32_t n;
  Part *parts;
} Join;

typedef struct {
  const QfStep *step;
  const QfExec *exec;
} Call;

typedef struct {
  size_t row, begin, end; /* bytes of the part in that row */
} Slice;

/* The @index-th of rows * slices; they begin at cache lines. */
static inline Slice slice_at(const Join *p, const Part *part, size_t index)
{
  if (p->slices == 1)
    return (Slice){index, 0, part->bytes};
  const size_t lines = part->bytes / 64, at = index % p->slices;
  return (Slice){index / p->slices, lines * at / p->slices * 64,
                 at + 1 < p->slices ? lines * (at + 1) / p->slices * 64 : part->bytes};
}

static void join_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const Call *call = arg;
  const Join *p = call->step->params;
  size_t start = 0;
  for (uint32_t i = 0; i < p->n; start += p->parts[i++].bytes) {
    const Part *part = &p->parts[i];
    const uint8_t *from = qf_step_in(call->step, call->exec, i);
    uint8_t *to = (uint8_t *)qf_step_out(call->step, call->exec, 0) + start;
    for (size_t k = begin; k < end; k++) {
      const Slice s = slice_at(p, part, k);
      const uint8_t *src = from + s.row * part->bytes + s.begin;
      uint8_t *dst = to + s.row * p->row_bytes + s.begin;
      if (part->table)
        qfk_lookup_u8_ref(part->table, src, dst, s.end - s.begin);
      else
        memcpy(dst, src, s.end - s.begin);
    }
  }
}

static void cut_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const Call *call = arg;
  const Join *p = call->step->params;
  size_t start = 0;
  for (uint32_t i = 0; i < p->n; start += p->parts[i++].bytes) {
    const uint8_t *from = (const uint8_t *)qf_step_in(call->step, call->exec, 0) + start;
    uint8_t *to = qf_step_out(call->step, call->exec, i);
    for (size_t k = begin; k < end; k++) {
      const Slice s = slice_at(p, &p->parts[i], k);
      memcpy(to + s.row * p->parts[i].bytes + s.begin, from + s.row * p->row_bytes + s.begin,
             s.end - s.begin);
    }
  }
}

static void run_ranges(const QfStep *step, const QfExec *exec, QfCpuRangeFunc fn)
{
  const Join *p = step->params;
  Call call = {step, exec};
  qf_cpu_parallel(exec, p->rows * p->slices, PIECE_BYTES / MAX(p->row_bytes / p->slices, 1) + 1, fn, &call);
}

static void run_join(const QfStep *step, const QfExec *exec)
{
  run_ranges(step, exec, join_range);
}

static void run_cut(const QfStep *step, const QfExec *exec)
{
  run_ranges(step, exec, cut_range);
}

static gboolean same_form(const QfTensor *a, const QfTensor *b)
{
  return a->dtype == b->dtype && a->enc.count <= 1 && qf_encoding_equal(&a->enc, &b->enc);
}

/* How the part's bytes become the whole's, by the reference's requantisation. NULL: other types. */
static const uint8_t *make_table(QfLower *lower, const QfTensor *part, const QfTensor *whole)
{
  QfkRequantize q = {.x_type = QFK_U16};
  uint8_t bytes[256];
  if (part->enc.count != 1 || whole->enc.count != 1 || !qf_cpu_int_type(part->dtype, &q.x_type) ||
      !qf_cpu_int_type(whole->dtype, &q.y_type) || q.x_type > QFK_S8 || q.y_type > QFK_S8)
    return NULL;
  q.x_zero = qf_cpu_zero_point(part);
  q.y_zero = qf_cpu_zero_point(whole);
  q.m = (float)((double)part->enc.entries[0].scale / (double)whole->enc.entries[0].scale);
  for (int i = 0; i < 256; i++)
    bytes[i] = (uint8_t)i;
  uint8_t *table = qf_lower_alloc(lower, sizeof(bytes));
  qfk_requantize_ref(&q, bytes, table, sizeof(bytes));
  return table;
}

/* @parts lie in @whole along its axis. NULL: the reference takes it. */
static Join *new_join(QfLower *lower, const QfNode *node, const QfTensor *whole, QfTensor *const *parts,
                      uint32_t n, gboolean tables)
{
  int32_t axis = ((const QfConcatAttrs *)node->attrs)->axis;
  Join *p = qf_lower_alloc(lower, sizeof(*p));
  p->rows = (size_t)qf_dims_count(whole->dims, axis);
  p->parts = qf_lower_alloc(lower, n * sizeof(*p->parts));
  p->n = n;
  if (!qf_tensor_count(whole))
    return NULL;
  p->row_bytes = qf_tensor_size_bytes(whole) / p->rows;
  p->slices = p->rows < SLICES ? SLICES : 1;
  for (uint32_t i = 0; i < n; i++) {
    p->parts[i].bytes = qf_tensor_size_bytes(parts[i]) / p->rows;
    if (same_form(parts[i], whole))
      continue;
    p->parts[i].table = tables ? make_table(lower, parts[i], whole) : NULL;
    if (!p->parts[i].table)
      return NULL;
  }
  return p;
}

gboolean qf_cpu_lower_join(QfLower *lower, QfNode *node)
{
  Join *p = new_join(lower, node, node->outputs[0], node->inputs, node->n_inputs, TRUE);
  if (p)
    qf_lower_step(lower, node, QF_CPU_UNIT, "join", run_join, p, 0);
  return p != NULL;
}

gboolean qf_cpu_lower_cut(QfLower *lower, QfNode *node)
{
  Join *p = new_join(lower, node, node->inputs[0], node->outputs, node->n_outputs, FALSE);
  if (p)
    qf_lower_step(lower, node, QF_CPU_UNIT, "cut", run_cut, p, 0);
  return p != NULL;
}
