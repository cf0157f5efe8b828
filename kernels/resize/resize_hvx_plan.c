/* SPDX-License-Identifier: MIT */
/*
 * resize_hvx_plan.c - where rows and columns of a resampled image come from, for HVX. Plain C, for any machine.
 *
 * 32 output pixels are words of a vector, which vdelta and vrdelta fetch from the words of another: a step for each bit of the place,
 * in which a word stays or changes places with one that differs in that bit. From the highest bit down, pixels that move apart (one step
 * of the source or none from each to the next) never meet; from the lowest up, those that move together (a step or more). A
 * piece is as many pixels as are one of both and come from one vector.
 */
#include "resize_hvx.h"

#include <string.h>

#define LANES 32

static int32_t vectors_of(const QfkResizeHvx *p)
{
  return (p->ow + LANES - 1) / LANES;
}

static int32_t source_of(const QfkResize *r, int32_t side, int32_t i)
{
  QfkTaps taps;
  qfk_resize_taps(r, 2, i, &taps);
  return (int32_t)taps.index[taps.n > 1 ? side : 0];
}

/* Sets the controls of a word that goes from place @from to @to. */
static void route(uint8_t *control, int32_t from, int32_t to, bool closer)
{
  for (int32_t i = 0; i < 5; i++) {
    const int32_t bit = closer ? 1 << i : 16 >> i, next = (from & ~bit) | (to & bit);
    if (next != from)
      for (int k = 0; k < 4; k++)
        control[next * 4 + k] |= (uint8_t)(bit * 4);
    from = next;
  }
}

/* Outputs [@begin, ..) of the vector from @vector on that make a piece; returns where it ends. */
static int32_t one_piece(const QfkResize *r, int32_t side, int32_t vector, int32_t begin, int32_t end,
                         QfkResizePiece *piece, uint8_t *network)
{
  const int32_t base = source_of(r, side, vector + begin);
  bool apart = true, closer = true;
  int32_t last = base, to = begin + 1;
  for (; to < end; to++) {
    const int32_t at = source_of(r, side, vector + to), step = at - last;
    const bool still_apart = apart && (step == 0 || step == 1), still_closer = closer && step >= 1;
    if (at - base >= LANES || (!still_apart && !still_closer))
      break;
    apart = still_apart;
    closer = still_closer;
    last = at;
  }
  if (piece) {
    *piece = (QfkResizePiece){base, !apart};
    for (int32_t i = begin; i < to; i++) {
      route(network, source_of(r, side, vector + i) - base, i, !apart);
      memset(network + 128 + i * 4, 0xff, 4);
    }
  }
  return to;
}

/* All pieces; @first and the others may be NULL, to count. */
static int32_t each_piece(const QfkResizeHvx *p, const QfkResize *r, int32_t *first, QfkResizePiece *piece,
                          uint8_t *network)
{
  const int32_t sides = p->nearest ? 1 : 2, vectors = vectors_of(p);
  int32_t n = 0;
  for (int32_t i = 0; i < sides * vectors; i++) {
    const int32_t at = i % vectors * LANES, end = p->ow - at < LANES ? p->ow - at : LANES;
    if (first)
      first[i] = n;
    for (int32_t begin = 0; begin < end; n++)
      begin = one_piece(r, i / vectors, at, begin, end, piece ? &piece[n] : NULL,
                        network ? network + (size_t)n * 256 : NULL);
  }
  if (first)
    first[sides * vectors] = n;
  return n;
}

static bool sizes_fit(const QfkResize *r)
{
  int64_t in = r->in[3] + 3, out = in;
  for (int d = 1; d < 3; d++) {
    if (r->in[d] < 1 || r->out[d] < 1 || r->in[d] > INT32_MAX / in || r->out[d] > INT32_MAX / out)
      return false;
    in *= r->in[d];
    out *= r->out[d];
  }
  return r->in[3] >= 1;
}

bool qfk_resize_hvx_init(QfkResizeHvx *p, const QfkResize *r, const QfkResizeInt *q, int32_t rows)
{
  int32_t dims[2];
  if (!qfk_resize_int_dims(r, dims) || r->rank != 4 || dims[0] == 0 || dims[1] == 0 || dims[1] == 3 ||
      q->x_type > QFK_S8 || q->y_type > QFK_S8 || r->in[3] > INT32_MAX - 3 || !sizes_fit(r))
    return false;
  const int32_t add = q->x_type == QFK_S8 ? 128 : 0, x_zero = q->x_zero + add;
  *p = (QfkResizeHvx){.c = (int32_t)r->in[3],
                      .h = (int32_t)r->in[1],
                      .w = (int32_t)r->in[2],
                      .oh = (int32_t)r->out[1],
                      .ow = (int32_t)r->out[2],
                      .rows = rows,
                      .nearest = r->interpolation == QFK_RESIZE_NEAREST,
                      .flip = qfk_hvx_flip(q->x_type),
                      .less = 128 * x_zero,
                      .m = q->m.multiplier,
                      .out = qfk_hvx_out(q->y_type, q->y_zero, q->lo, q->hi)};
  const int32_t add_y = q->y_type == QFK_S8 ? 128 : 0;
  p->same = q->m.multiplier == 1 << 24 && q->m.shift == 0 && x_zero == q->y_zero + add_y;
  if (p->nearest &&
      (q->x_type != q->y_type || q->x_zero != q->y_zero || q->m.shift != 1 || q->m.multiplier != 1 << 30))
    return false;
  p->pieces = each_piece(p, r, NULL, NULL, NULL);
  return p->nearest || q->m.shift == 0;
}

QfkResizeHvxSizes qfk_resize_hvx_sizes(const QfkResizeHvx *p)
{
  const size_t vectors = (size_t)vectors_of(p);
  return (QfkResizeHvxSizes){.rows = (size_t)p->oh,
                             .firsts = vectors * (p->nearest ? 1 : 2) + 1,
                             .pieces = (size_t)p->pieces,
                             .network = (size_t)p->pieces * 256,
                             .weights = p->nearest ? 0 : vectors * LANES};
}

void qfk_resize_hvx_pack(const QfkResizeHvx *p, const QfkResize *r, QfkResizeRow *row, int32_t *first,
                         QfkResizePiece *piece, uint8_t *network, int32_t *weight)
{
  const QfkResizeHvxSizes n = qfk_resize_hvx_sizes(p);
  QfkTaps taps;
  memset(network, 0, n.network);
  each_piece(p, r, first, piece, network);
  for (int32_t i = 0; i < p->oh; i++) {
    qfk_resize_taps(r, 1, i, &taps);
    row[i] = (QfkResizeRow){{(int32_t)taps.index[0], (int32_t)taps.index[taps.n > 1]},
                            qfk_resize_int_weight(&taps)};
  }
  for (size_t i = 0; i < n.weights; i++) {
    taps.n = 1;
    if ((int32_t)i < p->ow)
      qfk_resize_taps(r, 2, (int64_t)i, &taps);
    weight[i] = qfk_resize_int_weight(&taps) * 0x10001;
  }
}

/* Two lines of halfwords. */
size_t qfk_resize_hvx_scratch(const QfkResizeHvx *p)
{
  return p->nearest ? 128 : 2 * (((size_t)p->w * 4 + 127) / 128 * 128 + 128);
}
