/* SPDX-License-Identifier: MIT */
/*
 * weighted.c - Conv2d, DepthWiseConv2d and FullyConnected; see weighted.h. Multipliers, bounds and biases are the reference backend's own, so results are
 * the same bits; types become uint8, and the kernels' plans pack the weights.
 */
#include "weighted.h"
#include "../ref/weighted.h"
#include "../../ops/list.h"
#include "kernels/conv/conv16_hvx.h"
#include "kernels/dwconv/dwconv16_hvx.h"
#include "kernels/dwconv/dwthree_hvx.h"
#include "kernels/gemm/fc16_hvx.h"

gboolean qf_htp_take_apart(QfHtpBuild *b, const QfNode *node, const QfEpilogue *epi, int64_t channels,
                           QfkIntArgs *q, GString *why)
{
  g_autoptr(GError) error = NULL;
  QfRefWeighted w;
  QfkEncoding x, y;
  if (!qf_htp_any_encoding(node->inputs[0], &x, why) || !qf_htp_any_encoding(node->outputs[0], &y, why))
    return FALSE;
  if ((x.type == QFK_U8) != (y.type == QFK_U8)) {
    g_string_append(why, "its input and output are not of as many bits");
    return FALSE;
  }
  if (!node->inputs[1]->data) {
    g_string_append(why, "its weights are computed");
    return FALSE;
  }
  if (!qf_ref_weighted_init(&w, &b->lower, node, epi, channels, &error) || !w.integer) {
    g_string_append(why, error ? error->message : "its types, its residual or its activation");
    return FALSE;
  }
  *q = w.q;
  if (x.type != QFK_U8)
    return TRUE;
  const int32_t more = q->y_type == QFK_S8 ? 128 : 0;
  q->x_zero = x.zero;
  q->x_type = q->y_type = QFK_U8;
  q->requant.zero_point += more;
  q->requant.lo += more;
  q->requant.hi += more;
  return TRUE;
}

static QfDspOut out_of(const QfkRequant *r)
{
  return (QfDspOut){r->zero_point, r->lo, r->hi};
}

/* Weights and numbers by channel in the kernel's order. */
typedef struct {
  void *weights;
  int32_t *bias, *multiplier;
  int32_t *more;          /* behind the parameters: shifts, then rests */
  int32_t *shift, *rests; /* in there; shifts are elsewhere when there are none */
  size_t more_bytes;
  int32_t *first_high;  /* of 16 bits: what sums of high bytes begin with, those of low ones with bias */
  uint32_t in[5], n_in; /* the step's inputs */
} Packed;

static gboolean is_wide(const QfkIntArgs *q)
{
  return q->x_type > QFK_S8;
}

static void make_packed(QfHtpBuild *b, Packed *p, const QfTensor *x, QfHtpForm form, size_t weight_bytes,
                        size_t channels, gboolean shifted, size_t rests)
{
  const gboolean wide = qf_dtype_size(x->dtype) == 2;
  const size_t shifts = shifted ? channels : 0;
  p->more = qf_lower_alloc(&b->lower, (channels + rests) * 4);
  p->more_bytes = (shifts + rests) * 4;
  p->rests = p->more + shifts;
  p->shift = shifted ? p->more : qf_lower_alloc(&b->lower, channels * 4);
  p->in[0] = qf_htp_in(b, x, form);
  p->in[1] = qf_htp_constant(b, weight_bytes, &p->weights);
  p->in[2] = qf_htp_constant(b, channels * 4, &p->bias);
  p->in[3] = qf_htp_constant(b, channels * 4, &p->multiplier);
  p->n_in = wide ? 5 : 4;
  if (wide)
    p->in[4] = qf_htp_constant(b, channels * 4, &p->first_high);
}

static void add_step(QfHtpBuild *b, QfDspRowId row, const void *params, size_t params_bytes, const Packed *p,
                     uint32_t out)
{
  qf_htp_step(b, row, params, params_bytes, p->more, p->more_bytes, p->in, p->n_in, out);
}

QfDspConv qf_htp_describe_conv(const QfNode *node, const QfkIntArgs *q)
{
  const QfConv2dAttrs *a = node->attrs;
  const int64_t *x = node->inputs[0]->dims, *w = node->inputs[1]->dims, *y = node->outputs[0]->dims;
  return (QfDspConv){.n = (int32_t)x[0],
                     .h = (int32_t)x[1],
                     .w = (int32_t)x[2],
                     .c = (int32_t)x[3],
                     .oh = (int32_t)y[1],
                     .ow = (int32_t)y[2],
                     .oc = (int32_t)y[3],
                     .kh = (int32_t)w[0],
                     .kw = (int32_t)w[1],
                     .stride = {a->stride[0], a->stride[1]},
                     .dilation = {a->dilation[0], a->dilation[1]},
                     .pad = {a->pad[0], a->pad[2]},
                     .group = a->group,
                     .x_zero = q->x_zero,
                     .x_signed = q->x_type == QFK_S16,
                     .out = out_of(&q->requant)};
}

static QfkConvShape shape_of(const QfDspConv *c)
{
  return (QfkConvShape){.n = c->n,
                        .h = c->h,
                        .w = c->w,
                        .c = c->c,
                        .oh = c->oh,
                        .ow = c->ow,
                        .oc = c->oc,
                        .kh = c->kh,
                        .kw = c->kw,
                        .stride = {c->stride[0], c->stride[1]},
                        .dilation = {c->dilation[0], c->dilation[1]},
                        .pad = {c->pad[0], c->pad[1]},
                        .group = c->group};
}

/* Rows of a job: as many as keep its memory to what is given and leave every thread two jobs, but no fewer than fill vectors. */
typedef size_t (*ScratchFunc)(const void *kernel, int32_t rows);

static int32_t rows_of_job(const QfHtpBuild *b, const QfDspConv *c, ScratchFunc scratch, const void *kernel,
                           int32_t chunks)
{
  const int32_t parts = (int32_t)(2 * b->n_threads), wanted = MAX(parts / MAX(chunks * c->n, 1), 1);
  int32_t rows = MAX((c->oh + wanted - 1) / wanted, MIN(c->oh, 256 / c->ow + 1));
  while (rows > 1 && scratch(kernel, rows) > b->tile_bytes)
    rows = (rows + 1) / 2;
  return rows;
}

/* A kernel of 8 bits is the first part of that of 16. */
typedef struct {
  QfkConv16Hvx k;
  gboolean wide;
} Conv;

typedef struct {
  QfkDwconv16Hvx k;
  gboolean wide;
} Dwconv;

static size_t conv_scratch(const void *kernel, int32_t rows)
{
  Conv p = *(const Conv *)kernel;
  p.k.c.grid.gh += rows - p.k.c.rows;
  p.k.c.rows = rows;
  return p.wide ? qfk_conv16_hvx_scratch(&p.k) : qfk_conv_hvx_scratch(&p.k.c);
}

static size_t dwconv_scratch(const void *kernel, int32_t rows)
{
  Dwconv p = *(const Dwconv *)kernel;
  p.k.d.grid.gh += rows - p.k.d.rows;
  p.k.d.rows = rows;
  if (p.k.d.three.rows)
    qfk_dwthree_hvx_init(&p.k.d);
  return p.wide ? qfk_dwconv16_hvx_scratch(&p.k) : qfk_dwconv_hvx_scratch(&p.k.d);
}

static const char cannot[] = "its stride, its groups, its dilation, its ratio of scales or zero points of "
                             "its weights are not those of "
                             "a kernel";

static gboolean init_conv(Conv *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w, int32_t rows)
{
  p->wide = is_wide(q);
  return p->wide ? qfk_conv16_hvx_init(&p->k, s, q, w, rows) : qfk_conv_hvx_init(&p->k.c, s, q, w, rows);
}

static void pack_conv(const Conv *p, const QfkIntArgs *q, const void *w, Packed *to)
{
  const QfkConvHvx *k = &p->k.c;
  g_autofree int32_t *offsets = g_new(int32_t, qfk_conv_hvx_offsets(k));
  qfk_conv_hvx_rests(k, q, w, to->rests);
  if (p->wide)
    qfk_conv16_hvx_pack(&p->k, q, w, to->rests, offsets, to->weights, to->bias, to->first_high,
                        to->multiplier, to->shift);
  else
    qfk_conv_hvx_pack(k, q, w, to->rests, offsets, to->weights, to->bias, to->multiplier, to->shift);
}

static gboolean emit_conv(QfHtpBuild *b, const QfNode *node, QfDspConv *c, const QfkIntArgs *q, const void *w,
                          uint32_t out, GString *why)
{
  const QfkConvShape s = shape_of(c);
  Conv conv;
  QfkConvHvx *k = &conv.k.c;
  Packed p;
  if (!init_conv(&conv, &s, q, w, c->oh))
    return qf_htp_refuse(why, cannot);
  c->shifted = conv.wide || k->shifted;
  c->rests = k->rests;
  /* A 1x1 convolution packs no grid, so its channels may be parted; else all channels go over one grid. */
  const int32_t parts = (int32_t)(2 * b->n_threads);
  const gboolean small = k->direct && c->group == 1 && c->oh * c->ow < 64 * parts;
  c->blocks = small ? MAX((k->blocks + parts - 1) / parts, 1) : k->blocks;
  c->rows = small ? c->oh : rows_of_job(b, c, conv_scratch, &conv, 1);
  if (!init_conv(&conv, &s, q, w, c->rows))
    return qf_htp_refuse(why, cannot);
  make_packed(b, &p, node->inputs[0], QF_HTP_D4, qfk_conv_hvx_weights(k), qfk_conv_hvx_channels(k),
              c->shifted, (size_t)k->rests);
  if (!b->dry)
    pack_conv(&conv, q, w, &p);
  add_step(b, conv.wide ? QF_DSP_ROW_conv16 : QF_DSP_ROW_conv, c, sizeof(*c), &p, out);
  return TRUE;
}

static gboolean init_dwconv(Dwconv *p, const QfkConvShape *s, const QfkIntArgs *q, const void *w,
                            int32_t rows)
{
  p->wide = is_wide(q);
  return p->wide ? qfk_dwconv16_hvx_init(&p->k, s, q, w, rows) : qfk_dwconv_hvx_init(&p->k.d, s, q, w, rows);
}

static void pack_dwconv(const Dwconv *p, const QfkIntArgs *q, const void *w, Packed *to)
{
  const QfkDwconvHvx *k = &p->k.d;
  g_autofree int32_t *offsets = g_new(int32_t, qfk_dwconv_hvx_offsets(k) + 1);
  if (p->wide)
    qfk_dwconv16_hvx_pack(&p->k, q, w, offsets, to->weights, to->bias, to->first_high, to->multiplier,
                          to->shift);
  else
    qfk_dwconv_hvx_pack(k, q, w, offsets, to->weights, to->bias, to->multiplier, to->shift);
}

static gboolean emit_dwconv(QfHtpBuild *b, const QfNode *node, QfDspConv *c, const QfkIntArgs *q,
                            const void *w, uint32_t out, GString *why)
{
  const QfkConvShape s = shape_of(c);
  const int32_t planes = qfk_d4_planes(c->c), parts = (int32_t)(2 * b->n_threads);
  Dwconv conv;
  QfkDwconvHvx *k = &conv.k.d;
  Packed p;
  c->group = 1;
  if (c->c == 1) /* its weights are those of a convolution */
    return emit_conv(b, node, c, q, w, out, why);
  if (c->c != c->oc)
    return qf_htp_refuse(why, "it makes several channels of each");
  if (!init_dwconv(&conv, &s, q, w, c->oh))
    return qf_htp_refuse(why, cannot);
  c->shifted = conv.wide || k->shifted;
  c->rests = k->rounds - 1;
  c->blocks = MAX((planes + parts - 1) / parts, 1);
  c->rows = rows_of_job(b, c, dwconv_scratch, &conv, (planes + c->blocks - 1) / c->blocks);
  if (!init_dwconv(&conv, &s, q, w, c->rows))
    return qf_htp_refuse(why, cannot);
  make_packed(b, &p, node->inputs[0], QF_HTP_D4, qfk_dwconv_hvx_weights(k) * 4, qfk_dwconv_hvx_channels(k),
              c->shifted, 0);
  if (!b->dry)
    pack_dwconv(&conv, q, w, &p);
  add_step(b, conv.wide ? QF_DSP_ROW_dwconv16 : QF_DSP_ROW_dwconv, c, sizeof(*c), &p, out);
  return TRUE;
}

gboolean qf_htp_emit_conv(QfHtpBuild *b, const QfNode *node, gboolean depthwise, QfDspConv *c,
                          const QfkIntArgs *q, const void *w, uint32_t out, GString *why)
{
  return (depthwise ? emit_dwconv : emit_conv)(b, node, c, q, w, out, why);
}

gboolean qf_htp_conv(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfConv2dAttrs *a = node->attrs;
  QfkIntArgs q;
  if (!qf_htp_take_apart(b, node, &a->epi, node->outputs[0]->dims[3], &q, why))
    return FALSE;
  QfDspConv c = qf_htp_describe_conv(node, &q);
  return qf_htp_emit_conv(b, node, node->op == &qf_op_DepthWiseConv2d, &c, &q,
                          qf_tensor_data(node->inputs[1]), qf_htp_out(b, node->outputs[0], QF_HTP_D4), why);
}

/* Many rows are pixels: a 1x1 convolution, whose weights lie the other way. */
#define PIXELS 16

static gboolean are_pixels(const QfNode *node, int64_t k, int64_t n)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  int32_t images[2], pixels[2], channels[2];
  qf_htp_images(x, &images[0], &pixels[0], &channels[0]);
  qf_htp_images(y, &images[1], &pixels[1], &channels[1]);
  return channels[0] == k && channels[1] == n && images[0] == images[1] && pixels[0] == pixels[1] &&
         pixels[0] >= PIXELS;
}

static gboolean emit_pixels(QfHtpBuild *b, const QfNode *node, const QfkIntArgs *q, GString *why)
{
  const int64_t n = node->inputs[1]->dims[0], k = node->inputs[1]->dims[1];
  const uint8_t *w = qf_tensor_data(node->inputs[1]);
  g_autofree uint8_t *turned = g_malloc((gsize)(n * k));
  QfDspConv c = {.oc = (int32_t)n,
                 .kh = 1,
                 .kw = 1,
                 .stride = {1, 1},
                 .dilation = {1, 1},
                 .group = 1,
                 .x_zero = q->x_zero,
                 .x_signed = q->x_type == QFK_S16,
                 .out = out_of(&q->requant)};
  qf_htp_images(node->inputs[0], &c.n, &c.w, &c.c);
  for (c.h = PIXELS; c.w % c.h;) /* any rows that they fill, for jobs */
    c.h--;
  c.oh = c.h;
  c.ow = c.w /= c.h;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < k; j++)
      turned[j * n + i] = w[i * k + j];
  return emit_conv(b, node, &c, q, turned, qf_htp_out(b, node->outputs[0], QF_HTP_D4), why);
}

static gboolean init_fc(QfkFc16Hvx *f, int32_t k, int32_t n, const QfkIntArgs *q, const void *w)
{
  return is_wide(q) ? qfk_fc16_hvx_init(f, k, n, q, w) : qfk_fc_hvx_init(&f->f, k, n, q, w);
}

gboolean qf_htp_fully_connected(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfFullyConnectedAttrs *a = node->attrs;
  const int64_t n = node->inputs[1]->dims[0], k = node->inputs[1]->dims[1];
  const int64_t m = k ? qf_tensor_count(node->inputs[0]) / k : 0;
  QfkIntArgs q;
  QfkFc16Hvx fc;
  const QfkFcHvx *f = &fc.f;
  Packed p;
  if (!qf_htp_take_apart(b, node, &a->epi, n, &q, why))
    return FALSE;
  if (k >= 1 << 22 || n >= 1 << 22)
    return qf_htp_refuse(why, "it has too many inputs or outputs");
  if (are_pixels(node, k, n) && q.w_type <= QFK_S8)
    return emit_pixels(b, node, &q, why);
  const void *w = qf_tensor_data(node->inputs[1]);
  if (!init_fc(&fc, (int32_t)k, (int32_t)n, &q, w))
    return qf_htp_refuse(why, cannot);
  const gboolean wide = is_wide(&q), shifted = wide || f->shifted;
  const int32_t jobs = MAX((int32_t)(2 * b->n_threads) / (int32_t)MIN(m, 1024), 1);
  const QfDspFc c = {(int32_t)m, (int32_t)k, (int32_t)n,          MAX((f->panels + jobs - 1) / jobs, 1),
                     f->w_zero,  shifted,    q.x_type == QFK_S16, out_of(&q.requant)};
  make_packed(b, &p, node->inputs[0], QF_HTP_FLAT, qfk_fc_hvx_weights(f), qfk_fc_hvx_channels(f), shifted, 0);
  if (!b->dry && wide)
    qfk_fc16_hvx_pack(&fc, &q, w, p.weights, p.first_high, p.bias, p.multiplier, p.shift);
  else if (!b->dry)
    qfk_fc_hvx_pack(f, &q, w, p.weights, p.bias, p.multiplier, p.shift);
  add_step(b, wide ? QF_DSP_ROW_fc16 : QF_DSP_ROW_fc, &c, sizeof(c), &p,
           qf_htp_out(b, node->outputs[0], QF_HTP_FLAT));
  return TRUE;
}
