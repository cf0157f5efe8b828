/* SPDX-License-Identifier: MIT */
/*
 * move_hvx_plan.c - which way a strided copy goes on HVX. Plain C, for any machine.
 *
 * A nest is collapsed first. Rows of two or four bytes that both sides hold densely become elements, so that pixels of planes of four
 * are words whatever the nest was written in.
 */
#include "move_hvx.h"

#include <string.h>

#define PIECE_BYTES 8192 /* of a dense row a unit does */

static int32_t dense_dim(const QfkNd *nd, int operand)
{
  for (int32_t i = nd->rank - 1; i >= 0; i--)
    if (nd->stride[operand][i] == 1 && nd->dims[i] > 1)
      return i;
  return -1;
}

/* Elements of twice the size, where the row @d allows it. */
static bool widen(QfkNd *nd, int32_t d)
{
  if (nd->dims[d] % 2)
    return false;
  for (int32_t i = 0; i < nd->rank; i++)
    if (i != d && (nd->stride[0][i] % 2 || nd->stride[1][i] % 2))
      return false;
  for (int32_t i = 0; i < nd->rank; i++)
    if (i != d) {
      nd->stride[0][i] /= 2;
      nd->stride[1][i] /= 2;
    }
  nd->dims[d] /= 2;
  qfk_nd_collapse(nd);
  return true;
}

/* Rows of 2 or 4 bytes become elements. */
static uint32_t widen_all(QfkNd *nd, uint32_t bytes)
{
  for (;;) {
    const int32_t a = dense_dim(nd, 0);
    if (a < 0 || bytes > 2 || nd->stride[1][a] != 1 || nd->dims[a] * bytes > 4 || !widen(nd, a))
      return bytes;
    bytes *= 2;
  }
}

static bool is_lanes(int64_t n)
{
  return n >= 2 && n <= 32 && (n & (n - 1)) == 0;
}

static QfkMoveKind choose(const QfkNd *nd, int32_t a, int32_t b)
{
  if (a >= 0 && nd->stride[1][a] == 1)
    return QFK_MOVE_RUN;
  if (a >= 0 && nd->stride[1][a] == 0)
    return QFK_MOVE_FILL;
  if (a < 0 || b < 0)
    return QFK_MOVE_SINGLE;
  if (nd->stride[0][b] == nd->dims[a] && is_lanes(nd->dims[a]))
    return QFK_MOVE_WEAVE;
  if (nd->stride[1][a] == nd->dims[b] && is_lanes(nd->dims[b]))
    return QFK_MOVE_PART;
  return QFK_MOVE_TURN;
}

static bool fits(const QfkNd *nd, int64_t bytes)
{
  for (int k = 0; k < 2; k++) {
    int64_t reach = bytes;
    for (int32_t i = 0; i < nd->rank; i++) {
      const int64_t stride = nd->stride[k][i] < 0 ? -nd->stride[k][i] : nd->stride[k][i];
      if (nd->dims[i] > INT32_MAX || stride > INT32_MAX / bytes ||
          stride * bytes * (nd->dims[i] - 1) > INT32_MAX - reach)
        return false;
      reach += stride * bytes * (nd->dims[i] - 1);
    }
  }
  return true;
}

static void set_inner(QfkMoveHvx *p, const QfkNd *nd, int32_t a, int32_t b)
{
  const int32_t bytes = p->bytes;
  p->a = p->b = 1;
  p->xa = p->ya = p->xb = p->yb = bytes;
  if (b >= 0) {
    p->b = (int32_t)nd->dims[b];
    p->xb = (int32_t)nd->stride[1][b] * bytes;
    p->yb = (int32_t)nd->stride[0][b] * bytes;
  }
  if (a >= 0 && a != b) {
    p->a = (int32_t)nd->dims[a];
    p->xa = (int32_t)nd->stride[1][a] * bytes;
    p->ya = (int32_t)nd->stride[0][a] * bytes;
  }
}

static bool set_units(QfkMoveHvx *p)
{
  const int32_t lanes = 128 / p->bytes;
  int64_t units = 1;
  /* PART takes a dense input, so it is cut along a; its vectors fill whole ones of each row. */
  const int32_t along = p->kind == QFK_MOVE_PART ? p->a : p->b;
  p->piece = p->kind <= QFK_MOVE_FILL || p->kind == QFK_MOVE_SINGLE ? PIECE_BYTES / p->bytes : lanes;
  p->pieces = (along - 1) / p->piece + 1;
  units = p->pieces;
  for (int32_t i = 0; i < p->rank; i++) {
    units *= p->dims[i];
    if (units > INT32_MAX)
      return false;
  }
  p->units = (int32_t)units;
  return true;
}

bool qfk_move_hvx_init(QfkMoveHvx *p, const QfkNd *nest, uint32_t element_bytes)
{
  QfkNd nd = *nest;
  *p = (QfkMoveHvx){.bytes = (int32_t)element_bytes};
  for (int32_t i = 0; i < nd.rank; i++)
    if (!nd.dims[i])
      return true; /* no units */
  if (element_bytes == 8) {
    if (nd.rank == QFK_MAX_RANK)
      return false;
    for (int32_t i = 0; i < nd.rank; i++)
      for (int k = 0; k < 2; k++) {
        if (nd.stride[k][i] > INT32_MAX || nd.stride[k][i] < -INT32_MAX)
          return false;
        nd.stride[k][i] *= 2;
      }
    nd.stride[0][nd.rank] = nd.stride[1][nd.rank] = 1;
    nd.dims[nd.rank++] = 2;
    p->bytes = 4;
  }
  nd.n_operands = 2;
  if (!fits(&nd, p->bytes))
    return false;
  qfk_nd_collapse(&nd);
  p->bytes = (int32_t)widen_all(&nd, (uint32_t)p->bytes);
  int32_t a = dense_dim(&nd, 0), b = dense_dim(&nd, 1);
  p->kind = choose(&nd, a, b);
  if (p->kind <= QFK_MOVE_FILL)
    b = a;
  if (p->kind == QFK_MOVE_SINGLE) {
    a = -1;
    b = nd.rank - 1;
  }
  set_inner(p, &nd, a, b);
  for (int32_t i = 0; i < nd.rank; i++)
    if (i != a && i != b) {
      p->dims[p->rank] = (int32_t)nd.dims[i];
      p->y[p->rank] = (int32_t)nd.stride[0][i] * p->bytes;
      p->x[p->rank++] = (int32_t)nd.stride[1][i] * p->bytes;
    }
  return set_units(p);
}

/* A stretch of one dimension: y [at, at + n) from x, from + i * step. */
typedef struct {
  int64_t at, n, from, step;
  bool outside; /* of VALUE */
} Stretch;

static void stretch_of(const QfkPadHvx *p, int32_t d, int part, Stretch *s)
{
  const int64_t n = p->dims[d], before = p->before[d], after = p->after[d];
  const int64_t first = before < 0 ? -before : 0, last = after < 0 ? n + after : n;
  const int64_t lead = before > 0 ? before : 0;
  const int64_t skip = p->mode == QFK_PAD_REFLECT;
  *s = (Stretch){.at = lead, .n = last - first, .from = first, .step = 1};
  if (part == 1)
    *s = (Stretch){.n = lead, .from = p->mode < QFK_PAD_REFLECT ? 0 : before - 1 + skip, .step = -1};
  if (part == 2)
    *s = (Stretch){.at = lead + last - first,
                   .n = after > 0 ? after : 0,
                   .from = p->mode < QFK_PAD_REFLECT ? n - 1 : n - 1 - skip,
                   .step = -1};
  if (part && p->mode == QFK_PAD_EDGE)
    s->step = 0;
  s->outside = part && p->mode == QFK_PAD_VALUE;
}

static bool pad_is_sound(const QfkPadHvx *p)
{
  for (int32_t d = 0; d < p->rank; d++) {
    const int64_t n = p->dims[d], most = p->mode == QFK_PAD_REFLECT ? n - 1 : n;
    if (n < 1 || n > INT32_MAX || p->before[d] > INT32_MAX || p->after[d] > INT32_MAX ||
        p->before[d] < -INT32_MAX || p->after[d] < -INT32_MAX)
      return false;
    const int64_t least = p->before[d] < p->after[d] ? p->before[d] : p->after[d];
    const int64_t crop = (p->before[d] < 0 ? -p->before[d] : 0) + (p->after[d] < 0 ? -p->after[d] : 0);
    if ((p->mode != QFK_PAD_VALUE && least < 0) || crop >= n ||
        (p->mode >= QFK_PAD_REFLECT && (p->before[d] > most || p->after[d] > most)))
      return false;
  }
  return p->rank >= 1 && p->rank <= 8;
}

/* With VALUE, a border of dimension d takes all of the later ones at once, and the middle of the earlier ones. */
static bool pad_move(const QfkPadHvx *p, const int *part, QfkPadMoveHvx *out)
{
  QfkNd nd = {.rank = p->rank, .n_operands = 2};
  int64_t sx = 1, sy = 1, x = 0, y = 0;
  bool outside = false;
  Stretch s[8];
  for (int32_t d = 0; d < p->rank; d++) {
    stretch_of(p, d, part[d], &s[d]);
    if (outside) /* what is right of the border */
      s[d] = (Stretch){.n = p->dims[d] + p->before[d] + p->after[d]};
    outside |= s[d].outside;
  }
  for (int32_t d = p->rank - 1; d >= 0; d--) {
    nd.dims[d] = s[d].n;
    nd.stride[0][d] = sy;
    nd.stride[1][d] = outside ? 0 : s[d].step * sx;
    y += s[d].at * sy;
    x += s[d].from * sx;
    if (sx > INT32_MAX / p->dims[d] || sy > INT32_MAX / (p->dims[d] + p->before[d] + p->after[d]))
      return false;
    sx *= p->dims[d];
    sy *= p->dims[d] + p->before[d] + p->after[d];
  }
  *out = (QfkPadMoveHvx){.x = outside ? 0 : (int32_t)(x * p->element_bytes),
                         .y = (int32_t)(y * p->element_bytes),
                         .from_value = outside};
  return sy <= INT32_MAX / p->element_bytes && sx <= INT32_MAX / p->element_bytes &&
         qfk_move_hvx_init(&out->move, &nd, p->element_bytes);
}

/* The next choice of parts; after a border of VALUE the later dimensions have no choice. */
static bool next_parts(const QfkPadHvx *p, int *part)
{
  int32_t d = p->rank - 1;
  if (p->mode == QFK_PAD_VALUE)
    for (int32_t i = 0; i < p->rank; i++)
      if (part[i]) {
        d = i;
        break;
      }
  for (; d >= 0; d--) {
    if (++part[d] < 3)
      return true;
    part[d] = 0;
  }
  return false;
}

int32_t qfk_pad_hvx_init(const QfkPadHvx *p, QfkPadMoveHvx *moves, int32_t room)
{
  int part[8] = {0};
  int32_t n = 0;
  if (!pad_is_sound(p))
    return 0;
  do {
    QfkPadMoveHvx one;
    if (!pad_move(p, part, &one))
      return 0;
    if (!one.move.units)
      continue;
    if (moves && n < room)
      moves[n] = one;
    n++;
  } while (next_parts(p, part));
  return n;
}
