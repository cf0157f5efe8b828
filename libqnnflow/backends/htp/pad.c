/* SPDX-License-Identifier: MIT */
/*
 * pad.c - operators that make tensors larger by moves (move.h): Pad, with a value, mirrored or repeated borders; and operands that broadcast.
 */
#include "move.h"
#include "../ref/encoded.h"

#include <math.h>
#include <string.h>

/* Strides of @t in a nest over @l, which is @y's: 0 where it broadcasts. */
static void spread(const QfTensor *t, const QfTensor *y, const QfHtpLattice *l, int64_t *stride)
{
  const int32_t more = y->rank - t->rank;
  int64_t dims[QF_MAX_RANK], step = 1;
  for (int32_t i = 0; i < y->rank; i++)
    dims[qf_htp_place(l, i)] = i < more ? 1 : t->dims[i - more];
  if (l->planes) /* as many channels */
    dims[1] = l->dims[1];
  for (int32_t i = l->rank - 1; i >= 0; i--) {
    stride[i] = dims[i] > 1 ? step : 0;
    step *= dims[i];
  }
}

uint32_t qf_htp_expand(QfHtpBuild *b, const QfTensor *t, const QfTensor *y, QfHtpForm form, GString *why)
{
  const gboolean planes = form == QF_HTP_D4 && y->rank == 4 && t->rank && t->dims[t->rank - 1] == y->dims[3];
  const QfHtpLattice l = qf_htp_lattice(y, planes ? QF_HTP_D4 : QF_HTP_FLAT);
  QfkNd nd = {.rank = l.rank, .n_operands = 2};
  int64_t bytes = l.bytes;
  for (int32_t i = 0; i < l.rank; i++)
    bytes *= l.dims[i];
  memcpy(nd.dims, l.dims, sizeof(l.dims));
  memcpy(nd.stride[0], l.stride, sizeof(l.stride));
  spread(t, y, &l, nd.stride[1]);
  const uint32_t in = qf_htp_in(b, t, planes ? QF_HTP_D4 : QF_HTP_FLAT);
  const uint32_t out = qf_htp_memory(b, (size_t)bytes);
  if (!qf_htp_move(b, &nd, l.bytes, in, 0, out, 0, why))
    return QF_HTP_NONE;
  return form == QF_HTP_D4 && !planes ? qf_htp_to_planes(b, y, out) : out;
}

/* What fills, from [2][128] bytes: of 16 bits in planes low bytes, then high ones, else the element over and over. */
static void fill_values(uint8_t *to, const QfHtpLattice *l, const QfkEncoding *e, float value)
{
  static const double range[][2] = {{0, 255}, {-128, 127}, {0, 65535}, {-32768, 32767}};
  const double real = rint((double)value / (double)e->scale) + e->zero;
  const uint16_t stored = (uint16_t)(int32_t)CLAMP(real, range[e->type][0], range[e->type][1]);
  for (guint i = 0; i < 2 * QF_DSP_ALIGNMENT; i++)
    to[i] = e->type == QFK_U8 || (l->planes ? i < QF_DSP_ALIGNMENT : i % 2 == 0) ? stored & 255 : stored >> 8;
}

/* The nest that fills @l. */
static QfkNd fill_nest(const QfHtpLattice *l, gboolean wide)
{
  QfkNd nd = {.rank = l->rank, .n_operands = 2};
  memcpy(nd.dims, l->dims, sizeof(l->dims));
  memcpy(nd.stride[0], l->stride, sizeof(l->stride));
  if (!l->planes || !wide)
    return nd;
  nd.rank = 5; /* images, planes, their bytes, rows, pixels */
  for (int32_t i = 4; i > 2; i--) {
    nd.dims[i] = nd.dims[i - 1];
    nd.stride[0][i] = nd.stride[0][i - 1];
  }
  nd.dims[2] = 2;
  nd.dims[1] /= 2;
  nd.stride[0][2] = nd.stride[0][1];
  nd.stride[0][1] *= 2;
  nd.stride[1][2] = QF_DSP_ALIGNMENT / 4;
  return nd;
}

/* A stretch of a dimension of y, and where along x it comes from. */
typedef struct {
  int64_t y, count, x, step;
} Stretch;

/* Before, in and after the middle of a dimension of @n; returns how many, 0: the border mirrors more than there is. */
static int32_t stretches_of(const QfPadAttrs *a, int32_t i, int64_t n, Stretch *to)
{
  const int64_t before = a->before.v[i], after = a->after.v[i], skip = a->scheme == QF_PAD_REFLECT;
  const int64_t step = a->scheme == QF_PAD_EDGE ? 0 : -1;
  int32_t count = 0;
  if (before < 0 || after < 0 || (step && MAX(before, after) > n - skip))
    return 0;
  to[count++] = (Stretch){before, n, 0, 1};
  if (before)
    to[count++] = (Stretch){0, before, step ? before - 1 + skip : 0, step};
  if (after)
    to[count++] = (Stretch){before + n, after, n - 1 - (step ? skip : 0), step};
  return count;
}

#define MOST_PARTS 81

/* Mirrored and repeated borders: a move for each way in which stretches of dimensions meet. */
static gboolean pad_mirrored(QfHtpBuild *b, const QfNode *node, QfHtpForm form, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  const QfHtpLattice lx = qf_htp_lattice(x, form), ly = qf_htp_lattice(y, form);
  Stretch stretches[QF_MAX_RANK][3];
  int32_t counts[QF_MAX_RANK], parts = 1;
  for (int32_t i = 0; i < x->rank; i++) {
    const int32_t at = qf_htp_place(&lx, i);
    counts[at] = stretches_of(node->attrs, i, lx.dims[at], stretches[at]);
    parts *= counts[at];
    if (!parts || parts > MOST_PARTS)
      return qf_htp_refuse(why,
                           "it mirrors more than there is, crops, or has borders along too many dimensions");
  }
  const uint32_t in = qf_htp_in(b, x, form), out = qf_htp_out(b, y, form);
  for (int32_t part = 0; part < parts; part++) {
    QfkNd nd = {.rank = lx.rank, .n_operands = 2};
    int64_t x_start = 0, y_start = 0;
    for (int32_t i = 0, rest = part; i < lx.rank; rest /= counts[i++]) {
      const Stretch *s = &stretches[i][rest % counts[i]];
      nd.dims[i] = s->count;
      nd.stride[0][i] = ly.stride[i];
      nd.stride[1][i] = lx.stride[i] * s->step;
      x_start += lx.stride[i] * s->x;
      y_start += ly.stride[i] * s->y;
    }
    if (!qf_htp_move(b, &nd, ly.bytes, in, x_start, out, y_start, why))
      return FALSE;
  }
  return TRUE;
}

/* The whole of y filled by one value, then the middle. */
gboolean qf_htp_pad(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfPadAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  uint8_t *value = NULL;
  QfkEncoding e;
  if (!qf_htp_of_one_form(node, why) || !qf_htp_any_encoding(y, &e, why))
    return FALSE;
  const QfHtpForm form = qf_htp_form_for(b, x, a->before.n == 4 && !a->before.v[3] && !a->after.v[3]);
  if (a->scheme != QF_PAD_CONSTANT)
    return pad_mirrored(b, node, form, why);
  const QfHtpLattice lx = qf_htp_lattice(x, form), ly = qf_htp_lattice(y, form);
  const QfkNd fill = fill_nest(&ly, e.type > QFK_S8);
  QfkNd nd = fill_nest(&ly, FALSE);
  int64_t x_start = 0, y_start = 0;
  for (int32_t i = 0; i < x->rank; i++) {
    const int32_t at = qf_htp_place(&lx, i);
    const int64_t before = a->before.v[i], crop = MAX(-before, 0), shift = MAX(before, 0);
    nd.stride[1][at] = lx.stride[at];
    if (form == QF_HTP_D4 && i == 3)
      continue;
    nd.dims[at] = MAX(MIN(x->dims[i] - crop, y->dims[i] - shift), 0);
    x_start += crop * lx.stride[at];
    y_start += shift * ly.stride[at];
  }
  const uint32_t constant = qf_htp_constant(b, 2 * QF_DSP_ALIGNMENT, &value);
  if (value)
    fill_values(value, &ly, &e, a->value);
  const uint32_t in = qf_htp_in(b, x, form), out = qf_htp_out(b, y, form);
  return qf_htp_move(b, &fill, ly.bytes, constant, 0, out, 0, why) &&
         qf_htp_move(b, &nd, ly.bytes, in, x_start, out, y_start, why);
}
