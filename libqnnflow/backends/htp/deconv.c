/* SPDX-License-Identifier: MIT */
/*
 * deconv.c - TransposeConv2d: the output pixels of each phase of the stride are a convolution of the whole input by the taps that meet
 * there, without a stride; what comes out goes to its places as words of planes.
 */
#include "move.h"
#include "weighted.h"
#include "../../ops/attrs.h"

#include <string.h>

#define MOST_PHASES 64
#define MOST_EMPTY 8 /* taps of zeros before others */

/* One phase along one dimension: output phase + i * stride is the sum of taps j at i - pad + j * dilation. */
typedef struct {
  int32_t count; /* of outputs */
  int32_t taps, dilation, pad;
  int32_t empty;       /* the first taps that are zeros */
  int32_t last, every; /* in the filter: tap j is at last - (j - empty) * every */
} Phase;

static gboolean make_phase(const QfDspConv *c, int d, int32_t phase, Phase *p)
{
  const int32_t k = d ? c->kw : c->kh, out = d ? c->ow : c->oh, stride = c->stride[d];
  const int64_t at = (int64_t)phase + c->pad[d];
  int32_t first = -1, second = -1;
  *p = (Phase){.count = (out - phase + stride - 1) / stride, .dilation = 1};
  for (int32_t i = 0; i < k; i++)
    if ((at - (int64_t)i * c->dilation[d]) % stride == 0) {
      second = first >= 0 && second < 0 ? i : second;
      first = first < 0 ? i : first;
      p->last = i;
      p->taps++;
    }
  if (!p->taps) { /* the bias alone */
    p->taps = p->empty = 1;
    return TRUE;
  }
  if (second >= 0) {
    p->every = second - first;
    p->dilation = (int32_t)((int64_t)p->every * c->dilation[d] / stride);
  }
  /* The convolution has no padding of less than nothing: taps of zeros go before. */
  const int64_t least = (at - (int64_t)p->last * c->dilation[d]) / stride;
  const int64_t empty = least > 0 ? (least + p->dilation - 1) / p->dilation : 0;
  p->empty = (int32_t)MIN(empty, MOST_EMPTY + 1);
  p->taps += p->empty;
  p->pad = (int32_t)(p->empty * (int64_t)p->dilation - least);
  return p->empty <= MOST_EMPTY;
}

/* Where tap @j is in the filter, or -1: zeros. */
static int32_t tap_at(const Phase *p, int32_t j)
{
  return j < p->empty ? -1 : p->last - (j - p->empty) * p->every;
}

/* The weights of a phase: rows of the filter's, [taps][taps][c/group * oc]. */
static uint8_t *gather(const QfDspConv *c, const QfkIntArgs *q, const uint8_t *w, const Phase p[2])
{
  const size_t row = (size_t)(c->c / c->group) * (size_t)c->oc;
  uint8_t *to = g_malloc0((size_t)p[0].taps * (size_t)p[1].taps * row), *next = to;
  for (int32_t y = 0; y < p[0].taps; y++)
    for (int32_t x = 0; x < p[1].taps; x++, next += row) {
      const int32_t ky = tap_at(&p[0], y), kx = tap_at(&p[1], x);
      if (ky >= 0 && kx >= 0)
        memcpy(next, w + ((size_t)ky * (size_t)c->kw + (size_t)kx) * row, row);
      else if (q->w_zero)
        for (size_t i = 0; i < row; i++)
          next[i] = (uint8_t)q->w_zero[i % (size_t)c->oc];
    }
  return to;
}

static gboolean emit_phase(QfHtpBuild *b, const QfNode *node, const QfDspConv *whole, const QfkIntArgs *q,
                           const int32_t phase[2], uint32_t out, GString *why)
{
  Phase p[2];
  QfDspConv c = *whole;
  for (int d = 0; d < 2; d++) {
    if (!make_phase(whole, d, phase[d], &p[d]))
      return qf_htp_refuse(why, "it crops more than its filter reaches");
    c.stride[d] = 1;
    c.dilation[d] = p[d].dilation;
    c.pad[d] = p[d].pad;
  }
  if (p[0].count < 1 || p[1].count < 1)
    return TRUE;
  c.kh = p[0].taps;
  c.kw = p[1].taps;
  c.oh = p[0].count;
  c.ow = p[1].count;
  const QfTensor *y = node->outputs[0];
  const gboolean alone = whole->stride[0] == 1 && whole->stride[1] == 1;
  const int64_t planes = (int64_t)c.n * ((c.oc + 3) / 4) * qf_htp_element(y);
  const uint32_t to = alone ? out : qf_htp_memory(b, (size_t)(planes * 4 * c.oh * c.ow));
  g_autofree uint8_t *w = gather(whole, q, qf_tensor_data(node->inputs[1]), p);
  const gboolean depthwise = c.group == c.c && c.c == c.oc;
  if (!qf_htp_emit_conv(b, node, depthwise, &c, q, w, to, why))
    return FALSE;
  const int64_t ow = whole->ow, oh = whole->oh;
  const QfkNd nd = {.rank = 3,
                    .n_operands = 2,
                    .dims = {planes, c.oh, c.ow},
                    .stride = {{oh * ow, whole->stride[0] * ow, whole->stride[1]},
                               {(int64_t)c.oh * c.ow, c.ow, 1}}};
  return alone || qf_htp_move(b, &nd, 4, to, 0, out, phase[0] * ow + phase[1], why);
}

gboolean qf_htp_deconv(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfConv2dAttrs *a = node->attrs;
  QfkIntArgs q;
  if (!qf_htp_take_apart(b, node, &a->epi, node->outputs[0]->dims[3], &q, why))
    return FALSE;
  if (q.w_type > QFK_S8 || (int64_t)a->stride[0] * a->stride[1] > MOST_PHASES)
    return qf_htp_refuse(why, "its weights are not of 8 bits, or its stride is too large");
  const QfDspConv c = qf_htp_describe_conv(node, &q);
  const uint32_t out = qf_htp_out(b, node->outputs[0], QF_HTP_D4);
  int32_t phase[2];
  for (phase[0] = 0; phase[0] < c.stride[0]; phase[0]++)
    for (phase[1] = 0; phase[1] < c.stride[1]; phase[1]++)
      if (!emit_phase(b, node, &c, &q, phase, out, why))
        return FALSE;
  return TRUE;
}
