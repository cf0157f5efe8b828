/* SPDX-License-Identifier: MIT */
/*
 * move.c - operators that move values: nests of strides over flat tensors, or over the words of images in planes of four where channels
 * stay whole; and channels in another order.
 */
#include "move.h"
#include "../ref/encoded.h"
#include "../../ops/list.h"
#include "kernels/copy/channels_hvx.h"

#include <string.h>

/* What Argmax leaves. */
static gboolean are_indices(const QfTensor *t)
{
  return t->dtype == QF_DTYPE_INT32 || t->dtype == QF_DTYPE_INT64;
}

gboolean qf_htp_of_one_form(const QfNode *node, GString *why)
{
  if (are_indices(node->inputs[0]) && node->inputs[0]->dtype == node->outputs[0]->dtype)
    return TRUE;
  for (uint32_t i = 0; i < node->n_outputs; i++)
    if (!qf_htp_any_encoding(node->outputs[i], NULL, why) ||
        !qf_ref_same_form(node->inputs[0], node->outputs[i]))
      return why->len ? FALSE : qf_htp_refuse(why, "its tensors are encoded differently");
  return qf_htp_any_encoding(node->inputs[0], NULL, why);
}

gboolean qf_htp_reshape(QfHtpBuild *b, const QfNode *node, GString *why)
{
  if (!qf_htp_of_one_form(node, why))
    return FALSE;
  qf_htp_same(b, node->outputs[0], node->inputs[0]);
  return TRUE;
}

gboolean qf_htp_move(QfHtpBuild *b, const QfkNd *nest, uint32_t bytes, uint32_t x, int64_t x_start,
                     uint32_t y, int64_t y_start, GString *why)
{
  QfkNd nd = *nest;
  QfDspMove c = {.element_bytes = (int32_t)bytes, .x_start = (int32_t)x_start, .y_start = (int32_t)y_start};
  for (int32_t i = 0; i < nd.rank; i++) {
    if (nd.dims[i] < 1)
      return TRUE; /* nothing to move */
    for (int k = 0; k < 2 && nd.dims[i] == 1; k++)
      nd.stride[k][i] = 0;
  }
  qfk_nd_collapse(&nd);
  if (nd.rank > QF_DSP_MOVE_RANK)
    return qf_htp_refuse(why, "it has too many dimensions");
  c.rank = nd.rank;
  for (int32_t i = 0; i < nd.rank; i++) {
    c.dims[i] = (int32_t)nd.dims[i];
    c.y[i] = (int32_t)nd.stride[0][i];
    c.x[i] = (int32_t)nd.stride[1][i];
  }
  qf_htp_step(b, QF_DSP_ROW_move, &c, sizeof(c), NULL, 0, &x, 1, y);
  return TRUE;
}

QfHtpLattice qf_htp_lattice(const QfTensor *t, QfHtpForm form)
{
  QfHtpLattice l = {.rank = MAX(t->rank, 1), .bytes = qf_htp_element(t), .dims = {1}};
  for (int32_t i = 0; i < t->rank; i++)
    l.dims[i] = t->dims[i];
  if (form == QF_HTP_D4) {
    const int64_t dims[] = {t->dims[0], (t->dims[3] + 3) / 4 * qf_htp_element(t), t->dims[1], t->dims[2]};
    memcpy(l.dims, dims, sizeof(dims));
    l.bytes = 4;
    l.planes = TRUE;
  }
  l.stride[l.rank - 1] = 1;
  for (int32_t i = l.rank - 2; i >= 0; i--)
    l.stride[i] = l.stride[i + 1] * l.dims[i + 1];
  return l;
}

int32_t qf_htp_place(const QfHtpLattice *l, int32_t i)
{
  static const int32_t places[] = {0, 2, 3, 1};
  return l->planes ? places[i] : i;
}

gboolean qf_htp_transpose(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTransposeAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  if (!qf_htp_of_one_form(node, why))
    return FALSE;
  const QfHtpForm form = qf_htp_form_for(b, x, a->perm.n == 4 && a->perm.v[3] == 3);
  const QfHtpLattice lx = qf_htp_lattice(x, form), ly = qf_htp_lattice(y, form);
  QfkNd nd = {.rank = ly.rank, .n_operands = 2};
  memcpy(nd.dims, ly.dims, sizeof(ly.dims));
  memcpy(nd.stride[0], ly.stride, sizeof(ly.stride));
  for (int32_t i = 0; i < y->rank; i++)
    nd.stride[1][qf_htp_place(&ly, i)] = lx.stride[qf_htp_place(&lx, (int32_t)a->perm.v[i])];
  if (form == QF_HTP_D4)
    nd.stride[1][1] = lx.stride[1];
  const uint32_t in = qf_htp_in(b, x, form);
  return qf_htp_move(b, &nd, lx.bytes, in, 0, qf_htp_out(b, y, form), 0, why);
}

/* Channels of @y [its number] from @from; all are images of as many pixels. */
static gboolean add_channels(QfHtpBuild *b, const QfTensor *y, const QfkChannelFrom *from, const uint32_t *in,
                             uint32_t n_in)
{
  QfDspChannels c = {0};
  qf_htp_images(y, &c.n, &c.pixels, &c.channels);
  const int32_t channels = c.channels, size = (int32_t)qf_htp_element(y);
  if (size == 2)
    c.channels = (channels + 3) / 4 * 8;
  g_autofree QfkChannelFrom *bytes = g_new(QfkChannelFrom, c.channels);
  for (int32_t i = 0; i < c.channels; i++) {
    const int32_t k = size == 2 ? i / 8 * 4 + i % 4 : i;
    const QfkChannelFrom x = from[MIN(k, channels - 1)];
    bytes[i] = size == 1 ? x : (QfkChannelFrom){x.input, x.channel / 4 * 8 + i % 8 / 4 * 4 + x.channel % 4};
  }
  qf_htp_step(b, QF_DSP_ROW_channels, &c, sizeof(c), bytes, (size_t)c.channels * sizeof(*bytes), in, n_in,
              qf_htp_out(b, y, QF_HTP_D4));
  return TRUE;
}

/* y[i] = x[begin + i * step] along each dimension. */
static gboolean add_slice(QfHtpBuild *b, const QfTensor *x, const QfTensor *y, const int64_t *begin,
                          const int64_t *step, GString *why)
{
  const int32_t last = x->rank - 1;
  gboolean only_channels = x->rank == 4;
  for (int32_t i = 0; i < last; i++)
    only_channels &= x->dims[i] == y->dims[i] && (step[i] == 1 || y->dims[i] == 1);
  const gboolean whole = x->rank == 4 && x->dims[3] == y->dims[3] && step[3] == 1;
  if (only_channels && !whole && qf_htp_form(b, x) == QF_HTP_D4) {
    if (x->dims[0] == 1 && step[3] == 1 && begin[3] % 4 == 0) {
      qf_htp_planes(b, y, x, begin[3] / 4);
      return TRUE;
    }
    g_autofree QfkChannelFrom *from = g_new0(QfkChannelFrom, y->dims[3]);
    const uint32_t in = qf_htp_in(b, x, QF_HTP_D4);
    for (int64_t k = 0; k < y->dims[3]; k++)
      from[k].channel = (int32_t)(begin[3] + k * step[3]);
    return add_channels(b, y, from, &in, 1);
  }
  const QfHtpForm form = qf_htp_form_for(b, x, whole);
  const QfHtpLattice lx = qf_htp_lattice(x, form), ly = qf_htp_lattice(y, form);
  QfkNd nd = {.rank = ly.rank, .n_operands = 2};
  int64_t start = 0;
  memcpy(nd.dims, ly.dims, sizeof(ly.dims));
  memcpy(nd.stride[0], ly.stride, sizeof(ly.stride));
  for (int32_t i = 0; i < x->rank; i++) {
    const int32_t at = qf_htp_place(&lx, i);
    nd.stride[1][at] = lx.stride[at] * step[i];
    start += form == QF_HTP_D4 && i == 3 ? 0 : begin[i] * lx.stride[at];
  }
  const uint32_t in = qf_htp_in(b, x, form);
  return qf_htp_move(b, &nd, lx.bytes, in, start, qf_htp_out(b, y, form), 0, why);
}

gboolean qf_htp_slice(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfStridedSliceAttrs *a = node->attrs;
  int64_t begin[QF_MAX_RANK] = {0}, step[QF_MAX_RANK];
  if (!qf_htp_of_one_form(node, why))
    return FALSE;
  for (int32_t i = 0; i < QF_MAX_RANK; i++) {
    begin[i] = i < a->begin.n ? a->begin.v[i] : 0;
    step[i] = i < a->stride.n ? a->stride.v[i] : 1;
  }
  return add_slice(b, node->inputs[0], node->outputs[0], begin, step, why);
}

/* Parts of x one after the other along an axis. */
gboolean qf_htp_split(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const int32_t axis = ((const QfConcatAttrs *)node->attrs)->axis;
  int64_t begin[QF_MAX_RANK] = {0}, step[QF_MAX_RANK];
  if (!qf_htp_of_one_form(node, why))
    return FALSE;
  for (int32_t i = 0; i < QF_MAX_RANK; i++)
    step[i] = 1;
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    if (!add_slice(b, node->inputs[0], node->outputs[i], begin, step, why))
      return FALSE;
    begin[axis] += node->outputs[i]->dims[axis];
  }
  return TRUE;
}

/* @x in the encoding of @y: a look-up where they differ. */
static gboolean in_encoding(QfHtpBuild *b, const QfTensor *x, const QfTensor *y, QfHtpForm form, uint32_t *in,
                            GString *why)
{
  uint8_t table[256];
  *in = qf_htp_in(b, x, form);
  if (qf_ref_same_form(x, y))
    return TRUE;
  if (!qf_htp_convert_table(x, y, table, why))
    return FALSE;
  *in = qf_htp_through(b, *in, table);
  return TRUE;
}

/* The rows of all inputs one after the other in each row of the output; where there is one row, the inputs may be made in place. */
static gboolean join_flat(QfHtpBuild *b, const QfNode *node, QfHtpForm form, const uint32_t *in, int64_t rows,
                          int64_t row, const int64_t *counts, GString *why)
{
  const QfTensor *y = node->outputs[0];
  const uint32_t bytes = form == QF_HTP_D4 ? 4 : qf_htp_element(y);
  gboolean placed[QF_DSP_MAX_PORTS] = {FALSE};
  int64_t start = 0;
  const uint32_t out =
      rows == 1 ? qf_htp_out_joined(b, y, form, in, node->n_inputs, placed) : qf_htp_out(b, y, form);
  for (uint32_t i = 0; i < node->n_inputs; start += counts[i++]) {
    if (placed[i])
      continue;
    const QfkNd nd = {.rank = 2,
                      .n_operands = 2,
                      .dims = {rows, counts[i]},
                      .stride = {{row, 1}, {counts[i], 1}}};
    if (!qf_htp_move(b, &nd, bytes, in[i], 0, out, start, why))
      return FALSE;
  }
  return TRUE;
}

/* One image, and planes of it come from one input each. */
static gboolean whole_planes(const QfNode *node)
{
  gboolean whole = node->outputs[0]->dims[0] == 1;
  for (uint32_t i = 0; i + 1 < node->n_inputs; i++)
    whole &= node->inputs[i]->dims[3] % 4 == 0;
  return whole;
}

static gboolean join_channels(QfHtpBuild *b, const QfNode *node, const uint32_t *in)
{
  const QfTensor *y = node->outputs[0];
  g_autofree QfkChannelFrom *from = g_new0(QfkChannelFrom, y->dims[y->rank - 1]);
  int32_t n = 0;
  for (uint32_t i = 0; i < node->n_inputs; i++)
    for (int32_t k = 0; k < node->inputs[i]->dims[y->rank - 1]; k++)
      from[n++] = (QfkChannelFrom){(int32_t)i, k};
  return add_channels(b, y, from, in, node->n_inputs);
}

/* Whether any input is an image in planes already. */
static gboolean in_planes(QfHtpBuild *b, const QfNode *node)
{
  gboolean any = FALSE;
  for (uint32_t i = 0; i < node->n_inputs; i++)
    any |=
        node->inputs[i]->rank == 4 && !node->inputs[i]->data && qf_htp_form(b, node->inputs[i]) == QF_HTP_D4;
  return any && node->outputs[0]->rank == 4;
}

gboolean qf_htp_join(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const int32_t axis = ((const QfConcatAttrs *)node->attrs)->axis;
  const QfTensor *y = node->outputs[0];
  uint32_t in[QF_DSP_MAX_PORTS];
  int64_t counts[QF_DSP_MAX_PORTS];
  if (node->n_inputs > QF_DSP_MAX_PORTS)
    return qf_htp_refuse(why, "it has more than 64 inputs");
  if (!qf_htp_any_encoding(y, NULL, why))
    return FALSE;
  const gboolean concat = node->op == &qf_op_Concat;
  const QfHtpForm form = concat && in_planes(b, node) ? QF_HTP_D4 : QF_HTP_FLAT;
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (!qf_htp_any_encoding(node->inputs[i], NULL, why) ||
        !in_encoding(b, node->inputs[i], y, form, &in[i], why))
      return FALSE;
  const gboolean planes = form == QF_HTP_D4 && axis == 3;
  if (planes && !whole_planes(node))
    return join_channels(b, node, in);
  const QfHtpLattice l = qf_htp_lattice(y, form);
  const int32_t at = form == QF_HTP_D4 ? qf_htp_place(&l, axis) : axis;
  int64_t rows = 1, row = 1, inner = 1;
  for (int32_t i = 0; i < l.rank; i++) {
    rows *= i < at ? l.dims[i] : 1;
    row *= i >= at ? l.dims[i] : 1;
    inner *= i > at ? l.dims[i] : 1;
  }
  for (uint32_t i = 0; i < node->n_inputs; i++) {
    const int64_t length = concat ? node->inputs[i]->dims[axis] : 0;
    counts[i] = planes   ? (length + 3) / 4 * qf_htp_element(y) * inner
                : concat ? length * inner
                         : qf_tensor_count(node->inputs[i]) / rows;
  }
  return join_flat(b, node, form, in, rows, row, counts, why);
}

/* Unpack: rows of x go to each output by turns. */
gboolean qf_htp_unpack(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const int32_t axis = ((const QfConcatAttrs *)node->attrs)->axis;
  const QfTensor *x = node->inputs[0];
  if (!qf_htp_of_one_form(node, why))
    return FALSE;
  const int64_t rows = qf_dims_count(x->dims, axis), row = qf_dims_count(x->dims + axis, x->rank - axis);
  const uint32_t in = qf_htp_in(b, x, QF_HTP_FLAT);
  int64_t start = 0;
  for (uint32_t i = 0; i < node->n_outputs; i++) {
    const int64_t count = row / x->dims[axis];
    const QfkNd nd = {.rank = 2, .n_operands = 2, .dims = {rows, count}, .stride = {{count, 1}, {row, 1}}};
    if (!qf_htp_move(b, &nd, qf_htp_element(x), in, start, qf_htp_out(b, node->outputs[i], QF_HTP_FLAT), 0,
                     why))
      return FALSE;
    start += count;
  }
  return TRUE;
}

/* Depth to space and back: rows and columns of blocks as dimensions of their own. */
gboolean qf_htp_block(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfBlockAttrs *a = node->attrs;
  const gboolean to_space = node->op == &qf_op_DepthToSpace;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  const QfTensor *flat = to_space ? y : x, *deep = to_space ? x : y;
  if (!qf_htp_of_one_form(node, why))
    return FALSE;
  const int64_t bh = a->block[0], bw = a->block[1], c = flat->dims[3], h = deep->dims[1], w = deep->dims[2];
  const int64_t deep_c = deep->dims[3], by = a->mode == 1 ? bw : bw * c, bx = a->mode == 1 ? 1 : c;
  /* Dimensions n, h, row of the block, w, column of the block, channel. */
  const int64_t dims[] = {flat->dims[0], h, bh, w, bw, c};
  const int64_t of_flat[] = {h * bh * w * bw * c, bh * w * bw * c, w * bw * c, bw * c, c, 1};
  const int64_t of_deep[] = {h * w * deep_c, w * deep_c, by, deep_c, bx, a->mode == 1 ? bh * bw : 1};
  QfkNd nd = {.rank = 6, .n_operands = 2};
  for (int i = 0; i < 6; i++) {
    nd.dims[i] = dims[i];
    nd.stride[0][i] = to_space ? of_flat[i] : of_deep[i];
    nd.stride[1][i] = to_space ? of_deep[i] : of_flat[i];
  }
  const uint32_t in = qf_htp_in(b, x, QF_HTP_FLAT);
  return qf_htp_move(b, &nd, qf_htp_element(x), in, 0, qf_htp_out(b, y, QF_HTP_FLAT), 0, why);
}
