/* SPDX-License-Identifier: MIT */
/*
 * dwthree_hvx_plan.c - where columns of small depthwise filters go; see dwthree_hvx.h. Plain C, for any machine.
 *
 * Column c of the image is padded column c + left. With stride 2 even and odd padded columns are two grids, and of the image's
 * columns the even ones go to the first of them when the padding is even.
 */
#include "dwthree_hvx.h"

static int32_t least(int32_t a, int32_t b)
{
  return a < b ? a : b;
}

static int32_t most(int32_t a, int32_t b)
{
  return a > b ? a : b;
}

void qfk_dwthree_hvx_init(QfkDwconvHvx *p)
{
  const QfkConvShape *s = &p->s;
  const int32_t stride = s->stride[0], left = s->pad[1];
  if (s->kh > 3 || s->kw > 3 || stride != s->stride[1] || s->dilation[0] != 1)
    return;
  QfkDwthreeHvx *t = &p->three;
  *t = (QfkDwthreeHvx){.rows = stride == 1 ? 2 : 1, .phases = stride, .fill = p->grid.fill ^ p->grid.flip};
  t->groups = (p->rows + t->rows - 1) / t->rows;
  if (left >= s->ow * stride + s->kw) /* all is padding */
    t->pitch = s->ow + s->kw;
  else if (stride == 1) {
    /* Where a row ends, the padding of the next begins, and is this one's too. */
    const int32_t end = s->ow + s->kw - 1 - left;
    t->columns[0] = most(least(s->w, end), 0);
    t->at[0] = left;
    t->pitch = most(most(s->ow, end), left + t->columns[0]);
  } else {
    t->pitch = s->ow + s->kw / 2;
    for (int32_t i = 0; i < 2; i++) {
      t->phase[i] = (uint8_t)((left + i) % 2);
      t->at[i] = (left + i) / 2;
      t->columns[i] = most(least((s->w + 1 - i) / 2, t->pitch - t->at[i]), 0);
    }
  }
}

bool qfk_dwthree_hvx_narrow(const QfkDwconvHvx *p, QfkFixed f, int64_t least, int64_t most)
{
  const int32_t zero = p->out.zero;
  if (f.shift || f.multiplier < 0 || least < INT32_MIN || most > INT32_MAX)
    return false;
  if (!zero) /* what comes of it must be a signed halfword */
    return f.multiplier < 1 << 30 && (most <= UINT16_MAX || qfk_once_mul(f, UINT16_MAX) >= p->out.hi);
  return (least >= INT16_MIN || qfk_once_mul(f, INT16_MIN) + zero <= p->out.lo) &&
         (most <= INT16_MAX || qfk_once_mul(f, INT16_MAX) + zero >= p->out.hi);
}

size_t qfk_dwthree_hvx_part(const QfkDwconvHvx *p)
{
  return (((size_t)p->three.groups * (size_t)p->three.pitch + 127) / 32 * 32) * 4;
}

/* Words of four channels, the row of padding, two lines of pixels, rows drawn together. */
size_t qfk_dwthree_hvx_scratch(const QfkDwconvHvx *p)
{
  const QfkDwthreeHvx *t = &p->three;
  const size_t row = ((size_t)p->s.w * 4 + 511) / 128 * 128, part = qfk_dwthree_hvx_part(p);
  const size_t between = ((size_t)p->s.ow * 4 + 128) * 8;
  return part * 4 * (size_t)t->phases + row + part * (size_t)t->rows + (between + 127) / 128 * 128;
}
