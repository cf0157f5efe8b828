/* SPDX-License-Identifier: MIT */
/*
 * window.c - PoolAvg2d and PoolMax2d; means of 16 bits over height and width, for which there is no other kernel.
 */
#include "build.h"
#include "../ref/encoded.h"
#include "../../ops/list.h"
#include "kernels/pool/pool16_hvx.h"

static gboolean fits(const QfNode *node)
{
  const QfPool2dAttrs *a = node->attrs;
  for (int i = 0; i < 4; i++)
    if (a->pad[i] > INT32_MAX / 4)
      return FALSE;
  return (int64_t)a->filter[0] * a->filter[1] <= 256;
}

static QfkPoolShape describe(const QfNode *node)
{
  const QfPool2dAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *y = node->outputs[0]->dims;
  /* Where there is one output, nothing is strided over. */
  return (QfkPoolShape){.n = (int32_t)x[0],
                        .h = (int32_t)x[1],
                        .w = (int32_t)x[2],
                        .c = (int32_t)x[3],
                        .oh = (int32_t)y[1],
                        .ow = (int32_t)y[2],
                        .kh = a->filter[0],
                        .kw = a->filter[1],
                        .stride = {y[1] > 1 ? a->stride[0] : 1, y[2] > 1 ? a->stride[1] : 1},
                        .dilation = {a->dilation[0], a->dilation[1]},
                        .pad = {a->pad[0], a->pad[1], a->pad[2], a->pad[3]},
                        .count_pad = a->count_pad};
}

/* A pool on its way: its operator, its window, its clamp. */
typedef struct {
  QfkPoolShape s;
  gboolean max;
  int32_t act;
  float lo, hi;
} Pool;

/* Constants as the reference makes them; of bytes then as of uint8. */
static void make_args(QfkPoolInt *q, const Pool *p, const QfNode *node, float *m, QfkFixed *fixed)
{
  QfkEncoding x, y;
  qf_ref_is_encoded(node->inputs[0], &x);
  qf_ref_is_encoded(node->outputs[0], &y);
  *q = (QfkPoolInt){.type = x.type, .y_type = y.type, .x_zero = x.zero, .y_zero = y.zero};
  qf_ref_bounds(&y, p->act, p->lo, p->hi, &q->lo, &q->hi);
  qfk_pool_avg_scales(q, &p->s, x.scale, y.scale, m);
  qfk_pool_avg_fixed(q, &p->s, x.scale, y.scale, fixed);
  if (x.type > QFK_S8)
    return;
  const int32_t x_more = x.type == QFK_S8 ? 128 : 0, y_more = y.type == QFK_S8 ? 128 : 0;
  q->type = q->y_type = QFK_U8;
  q->x_zero += x_more;
  q->y_zero += y_more;
  q->lo += y_more;
  q->hi += y_more;
}

/* How many rows a job does, or 0: the kernel does not do this one. */
static int32_t rows_of(const QfHtpBuild *b, const Pool *p, const QfkPoolInt *q)
{
  QfkPool16Hvx k;
  const gboolean wide = q->type > QFK_S8;
  for (int32_t rows = p->s.oh;; rows = (rows + 1) / 2) {
    if (!(wide ? qfk_pool16_hvx_init(&k, &p->s, q, p->max, rows)
               : qfk_pool_hvx_init(&k.p, &p->s, q, p->max, rows)))
      return 0;
    if (rows == 1 || (wide ? qfk_pool16_hvx_scratch(&k) : qfk_pool_hvx_scratch(&k.p)) <= b->tile_bytes)
      return rows;
  }
}

static gboolean emit(QfHtpBuild *b, const QfNode *node, const Pool *p, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  const QfkPoolShape *s = &p->s;
  float m[257];
  QfkFixed fixed[257] = {{0, 0}};
  int32_t multipliers[2 * 257];
  QfkPoolInt q;
  make_args(&q, p, node, m, fixed);
  const gboolean wide = q.type > QFK_S8;
  const int32_t rows = rows_of(b, p, &q), planes = qfk_d4_planes(s->c), parts = (int32_t)(2 * b->n_threads);
  if (!rows) {
    g_string_append(why, "its stride, its padding or its ratio of scales are not those of a kernel");
    return FALSE;
  }
  const QfDspPool c = {s->n,
                       s->h,
                       s->w,
                       s->c,
                       s->oh,
                       s->ow,
                       s->kh,
                       s->kw,
                       {s->stride[0], s->stride[1]},
                       {s->dilation[0], s->dilation[1]},
                       {s->pad[0], s->pad[1], s->pad[2], s->pad[3]},
                       s->count_pad,
                       rows,
                       MAX((planes + parts - 1) / parts, 1),
                       p->max,
                       q.x_zero,
                       q.type == QFK_S16,
                       {p->max ? 0 : q.y_zero, q.lo, q.hi}};
  const int32_t n = s->kh * s->kw + 1;
  if (wide) /* of no pixels */
    fixed[0] = (QfkFixed){0, QFK_HVX_WIDE_LEAST_SHIFT};
  for (int32_t i = 0; i < n; i++) {
    multipliers[wide ? 2 * i : i] = fixed[i].multiplier;
    if (wide)
      multipliers[2 * i + 1] = fixed[i].shift;
  }
  const uint32_t in = qf_htp_in(b, x, QF_HTP_D4);
  qf_htp_step(b, wide ? QF_DSP_ROW_pool16 : QF_DSP_ROW_pool, &c, sizeof(c), p->max ? NULL : multipliers,
              p->max ? 0 : (size_t)n * (wide ? 8 : 4), &in, 1, qf_htp_out(b, y, QF_HTP_D4));
  return TRUE;
}

static gboolean of_one_width(const QfNode *node, GString *why)
{
  QfkEncoding x, y;
  if (!qf_htp_any_encoding(node->inputs[0], &x, why) || !qf_htp_any_encoding(node->outputs[0], &y, why))
    return FALSE;
  if ((x.type == QFK_U8) != (y.type == QFK_U8))
    g_string_append(why, "its input and output are not of as many bits");
  return (x.type == QFK_U8) == (y.type == QFK_U8);
}

gboolean qf_htp_pool(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfPool2dAttrs *a = node->attrs;
  const gboolean max = node->op == &qf_op_PoolMax2d;
  if (!of_one_width(node, why))
    return FALSE;
  if (!fits(node) || (max && !qf_ref_same_form(node->inputs[0], node->outputs[0]))) {
    g_string_append(why, max ? "its window is larger than 256, or input and output are encoded differently"
                             : "its window is larger than 256");
    return FALSE;
  }
  const Pool p = {describe(node), max, a->act, a->lo, a->hi};
  return emit(b, node, &p, why);
}

gboolean qf_htp_mean_pool(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0];
  const int64_t *d = x->dims;
  if (!of_one_width(node, why))
    return FALSE;
  if (d[1] * d[2] > 256 || (node->outputs[0]->rank != 4 && d[0] != 1)) {
    g_string_append(why, "it has more than 256 values, or several images without their dimensions");
    return FALSE;
  }
  const Pool p = {{.n = (int32_t)d[0],
                   .h = (int32_t)d[1],
                   .w = (int32_t)d[2],
                   .c = (int32_t)d[3],
                   .oh = 1,
                   .ow = 1,
                   .kh = (int32_t)d[1],
                   .kw = (int32_t)d[2],
                   .stride = {1, 1},
                   .dilation = {1, 1}},
                  .act = QF_ACT_NONE};
  return emit(b, node, &p, why);
}
