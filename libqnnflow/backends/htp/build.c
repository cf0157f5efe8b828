/* SPDX-License-Identifier: MIT */
/*
 * build.c - tensors in their forms, steps, constants; see build.h. blob.c makes the blob of it.
 */
#include "blob.h"
#include "kernels/copy/channels_hvx.h"

#include <string.h>

QfHtpBuild *qf_htp_build_new(const char *model, gboolean dry, uint32_t n_threads, uint32_t tile_bytes)
{
  QfHtpBuild *b = g_new0(QfHtpBuild, 1);
  b->lower = (QfLower){.requant = QF_REQUANT_FIXED,
                       .blocks = g_ptr_array_new_with_free_func(qf_aligned_free),
                       .model = model};
  b->dry = dry;
  b->n_threads = n_threads;
  b->tile_bytes = tile_bytes;
  b->roots = g_array_new(FALSE, TRUE, sizeof(QfHtpRoot));
  b->tensors = g_array_new(FALSE, TRUE, sizeof(QfHtpView));
  b->steps = g_array_new(FALSE, TRUE, sizeof(QfDspStepRecord));
  b->refs = g_array_new(FALSE, TRUE, sizeof(uint32_t));
  b->params = g_byte_array_new();
  b->constants = g_ptr_array_new_with_free_func(qf_aligned_free);
  b->borders = g_array_new(FALSE, TRUE, sizeof(QfDspBorder));
  b->by_tensor = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  b->nodes = g_array_new(FALSE, TRUE, sizeof(const QfNode *));
  return b;
}

void qf_htp_build_free(QfHtpBuild *b)
{
  if (!b)
    return;
  g_ptr_array_unref(b->lower.blocks);
  g_array_unref(b->roots);
  g_array_unref(b->tensors);
  g_array_unref(b->steps);
  g_array_unref(b->refs);
  g_byte_array_unref(b->params);
  g_ptr_array_unref(b->constants);
  g_array_unref(b->borders);
  g_hash_table_unref(b->by_tensor);
  g_array_unref(b->nodes);
  g_free(b);
}

/* Where a tensor of the graph is, by form; NONE: not there. */
typedef struct {
  uint32_t border; /* as the caller has it */
  uint32_t form[QF_HTP_N_FORMS];
} Forms;

static Forms *forms_of(QfHtpBuild *b, const QfTensor *t)
{
  Forms *f = g_hash_table_lookup(b->by_tensor, t);
  if (f)
    return f;
  f = g_new(Forms, 1);
  *f = (Forms){QF_HTP_NONE, {QF_HTP_NONE, QF_HTP_NONE}};
  g_hash_table_insert(b->by_tensor, (gpointer)t, f);
  return f;
}

static uint32_t add_root(QfHtpBuild *b, uint32_t region, uint32_t border, size_t size, void *data)
{
  const QfHtpRoot root = {.region = region,
                          .border = border,
                          .size = size,
                          .first = UINT32_MAX,
                          .data = data,
                          .whole = QF_HTP_NONE};
  g_array_append_val(b->roots, root);
  return b->roots->len - 1;
}

static uint32_t add_view(QfHtpBuild *b, uint32_t root, size_t offset, size_t size)
{
  const QfHtpView view = {root, offset, size};
  g_array_append_val(b->tensors, view);
  return b->tensors->len - 1;
}

static uint32_t add_tensor(QfHtpBuild *b, uint32_t region, uint32_t border, size_t size, void *data)
{
  return add_view(b, add_root(b, region, border, size, data), 0, size);
}

uint8_t qf_htp_flip(const QfTensor *t)
{
  return t->dtype == QF_DTYPE_INT8 && t->enc.count ? 0x80 : 0;
}

void qf_htp_images(const QfTensor *t, int32_t *n, int32_t *pixels, int32_t *channels)
{
  const int64_t count = qf_tensor_count(t);
  const int64_t c = t->rank ? t->dims[t->rank - 1] : 1;
  *n = t->rank == 4 ? (int32_t)t->dims[0] : 1;
  *channels = (int32_t)c;
  *pixels = count ? (int32_t)(count / c / *n) : 0;
}

static gboolean is_wide(const QfTensor *t)
{
  return t->dtype == QF_DTYPE_INT16 || t->dtype == QF_DTYPE_UINT16;
}

/* Other types than of 8 and 16 bits are flat alone. */
static gboolean has_planes(const QfTensor *t)
{
  return qf_dtype_size(t->dtype) == 1 || is_wide(t);
}

static int32_t planes_of(int32_t channels)
{
  return (channels + 3) / 4;
}

static size_t form_bytes(const QfTensor *t, QfHtpForm form)
{
  int32_t n, pixels, c;
  if (form == QF_HTP_FLAT || !has_planes(t))
    return qf_tensor_size_bytes(t);
  qf_htp_images(t, &n, &pixels, &c);
  return qf_dtype_size(t->dtype) * (size_t)n * (size_t)planes_of(c) * 4 * (size_t)pixels;
}

/* Both forms are the same bytes, but for what fills up the last plane. */
static gboolean forms_agree(const QfTensor *t)
{
  int32_t n, pixels, c;
  qf_htp_images(t, &n, &pixels, &c);
  return pixels == 1 && (n == 1 || c % 4 == 0) && !is_wide(t);
}

/* Images of 16 bits, pixel by pixel, are of twice as many channels of bytes; and those of their planes that lie in each other's order. */
static uint32_t byte_pixels(QfHtpBuild *b, const QfTensor *t, QfDspPixels *p)
{
  *p = (QfDspPixels){0};
  qf_htp_images(t, &p->n, &p->pixels, &p->channels);
  p->channels *= 2;
  return qf_htp_memory(b, (size_t)p->n * (size_t)planes_of(p->channels) * 4 * (size_t)p->pixels);
}

static void add_wide_planes(QfHtpBuild *b, const QfTensor *t, uint32_t from, uint32_t to)
{
  QfDspPixels p;
  const uint32_t bytes = byte_pixels(b, t, &p);
  const QfDspChannels c = {p.n, planes_of(p.channels / 2) * 8, p.pixels, 0};
  g_autofree QfkChannelFrom *order = g_new(QfkChannelFrom, c.channels);
  for (int32_t i = 0; i < c.channels; i++) {
    const int32_t at = 2 * (i / 8 * 4 + i % 4) + i % 8 / 4;
    order[i] = at < p.channels ? (QfkChannelFrom){0, at} : (QfkChannelFrom){QFK_CHANNELS_HVX_FILL, 0};
  }
  qf_htp_step(b, QF_DSP_ROW_from_nhwc, &p, sizeof(p), NULL, 0, &from, 1, bytes);
  qf_htp_step(b, QF_DSP_ROW_channels, &c, sizeof(c), order, (size_t)c.channels * sizeof(*order), &bytes, 1,
              to);
}

static void add_wide_pixels(QfHtpBuild *b, const QfTensor *t, uint32_t from, uint32_t to)
{
  QfDspPixels p;
  const uint32_t bytes = byte_pixels(b, t, &p);
  const QfDspChannels c = {p.n, p.channels, p.pixels, 0};
  g_autofree QfkChannelFrom *order = g_new(QfkChannelFrom, c.channels);
  for (int32_t i = 0; i < c.channels; i++)
    order[i] = (QfkChannelFrom){0, i / 8 * 8 + i % 2 * 4 + i % 8 / 2};
  qf_htp_step(b, QF_DSP_ROW_channels, &c, sizeof(c), order, (size_t)c.channels * sizeof(*order), &from, 1,
              bytes);
  qf_htp_step(b, QF_DSP_ROW_to_nhwc, &p, sizeof(p), NULL, 0, &bytes, 1, to);
}

/* A border's memory, or the other form, into @form. */
static uint32_t convert(QfHtpBuild *b, const QfTensor *t, uint32_t from, gboolean border, QfHtpForm form)
{
  const uint32_t to = qf_htp_out(b, t, form);
  QfDspPixels p = {.flip = border ? qf_htp_flip(t) : 0};
  const QfDspCopy copy = {p.flip};
  qf_htp_images(t, &p.n, &p.pixels, &p.channels);
  if (form == QF_HTP_D4 && is_wide(t))
    add_wide_planes(b, t, from, to);
  else if (form == QF_HTP_D4)
    qf_htp_step(b, QF_DSP_ROW_from_nhwc, &p, sizeof(p), NULL, 0, &from, 1, to);
  else if (!border && is_wide(t))
    add_wide_pixels(b, t, from, to);
  else if (border)
    qf_htp_step(b, QF_DSP_ROW_copy, &copy, sizeof(copy), NULL, 0, &from, 1, to);
  else
    qf_htp_step(b, QF_DSP_ROW_to_nhwc, &p, sizeof(p), NULL, 0, &from, 1, to);
  return to;
}

/* Elements of a constant in @form. */
static void fill_constant(const QfTensor *t, QfHtpForm form, uint8_t *to)
{
  const uint8_t *from = qf_tensor_data(t), flip = qf_htp_flip(t);
  int32_t n, pixels, c;
  qf_htp_images(t, &n, &pixels, &c);
  if (form == QF_HTP_FLAT) {
    for (size_t i = 0; i < qf_tensor_size_bytes(t); i++)
      to[i] = from[i] ^ flip;
    return;
  }
  const size_t size = qf_dtype_size(t->dtype), plane = (size_t)pixels * 4,
               image = (size_t)planes_of(c) * plane;
  for (int32_t i = 0; i < n; i++)
    for (int32_t p = 0; p < pixels; p++)
      for (int32_t k = 0; k < c; k++)
        for (size_t byte = 0; byte < size; byte++)
          to[((size_t)i * image + (size_t)(k / 4) * plane) * size + byte * plane + (size_t)p * 4 + k % 4] =
              from[(((size_t)i * pixels + p) * c + k) * size + byte] ^ flip;
}

uint32_t qf_htp_in(QfHtpBuild *b, const QfTensor *t, QfHtpForm form)
{
  Forms *f = forms_of(b, t);
  const uint32_t other = f->form[!form];
  if (f->form[form] != QF_HTP_NONE)
    return f->form[form];
  if (t->data) {
    uint8_t *fill = NULL;
    f->form[form] = qf_htp_constant(b, form_bytes(t, form), &fill);
    if (fill)
      fill_constant(t, form, fill);
  } else if (other != QF_HTP_NONE && forms_agree(t)) {
    const QfHtpView v = g_array_index(b->tensors, QfHtpView, other);
    f->form[form] = add_view(b, v.root, v.offset, form_bytes(t, form));
  } else if (other != QF_HTP_NONE)
    f->form[form] = convert(b, t, other, FALSE, form);
  else
    f->form[form] = convert(b, t, f->border, TRUE, form);
  return f->form[form];
}

uint32_t qf_htp_in_place(QfHtpBuild *b, const QfTensor *t)
{
  const Forms *f = forms_of(b, t);
  return f->border != QF_HTP_NONE && !qf_htp_flip(t) ? f->border : qf_htp_in(b, t, QF_HTP_FLAT);
}

QfHtpForm qf_htp_form(QfHtpBuild *b, const QfTensor *t)
{
  const Forms *f = forms_of(b, t);
  if (!has_planes(t))
    return QF_HTP_FLAT;
  if (f->form[QF_HTP_D4] != QF_HTP_NONE)
    return QF_HTP_D4;
  return f->form[QF_HTP_FLAT] != QF_HTP_NONE || t->rank != 4 ? QF_HTP_FLAT : QF_HTP_D4;
}

uint32_t qf_htp_out(QfHtpBuild *b, const QfTensor *t, QfHtpForm form)
{
  /* What fills up the last plane is there when the flat form becomes the other. */
  const size_t size = MAX(form_bytes(t, QF_HTP_FLAT), form_bytes(t, QF_HTP_D4));
  const uint32_t root = add_root(b, QF_DSP_ARENA, 0, size, NULL);
  return forms_of(b, t)->form[form] = add_view(b, root, 0, form_bytes(t, form));
}

/* How many of @in, from the first on, are one root from its start to its end, which is nothing else's part yet; 0: none. */
static uint32_t whole_root(const QfHtpBuild *b, const uint32_t *in, uint32_t n)
{
  const QfHtpView *v = &g_array_index(b->tensors, QfHtpView, in[0]);
  const QfHtpRoot *r = &g_array_index(b->roots, QfHtpRoot, v->root);
  const uint32_t root = v->root;
  size_t end = 0;
  if (r->region != QF_DSP_ARENA || r->whole != QF_HTP_NONE)
    return 0;
  for (uint32_t i = 0; i < n; i++) {
    v = &g_array_index(b->tensors, QfHtpView, in[i]);
    if (v->root != root || v->offset != end)
      return 0;
    end += v->size;
    if (end == r->size)
      return i + 1;
  }
  return 0;
}

uint32_t qf_htp_out_joined(QfHtpBuild *b, const QfTensor *t, QfHtpForm form, const uint32_t *in, uint32_t n,
                           gboolean *placed)
{
  const uint32_t out = qf_htp_out(b, t, form), root = g_array_index(b->tensors, QfHtpView, out).root;
  size_t at = 0;
  for (uint32_t i = 0, run; i < n; i += MAX(run, 1)) {
    const QfHtpView first = g_array_index(b->tensors, QfHtpView, in[i]);
    run = at % 4 ? 0 : whole_root(b, in + i, n - i);
    placed[i] = run != 0;
    for (uint32_t k = 1; k < run; k++)
      placed[i + k] = TRUE;
    if (run) {
      QfHtpRoot *r = &g_array_index(b->roots, QfHtpRoot, first.root);
      r->whole = root;
      r->whole_at = at;
      at += r->size;
    } else
      at += first.size;
  }
  return out;
}

void qf_htp_planes(QfHtpBuild *b, const QfTensor *t, const QfTensor *x, int64_t plane)
{
  int32_t n, pixels, c;
  qf_htp_images(x, &n, &pixels, &c);
  const uint32_t in = qf_htp_in(b, x, QF_HTP_D4); /* before the array is looked at: it may move */
  const QfHtpView v = g_array_index(b->tensors, QfHtpView, in);
  forms_of(b, t)->form[QF_HTP_D4] =
      add_view(b, v.root, v.offset + qf_dtype_size(x->dtype) * (size_t)plane * (size_t)pixels * 4,
               form_bytes(t, QF_HTP_D4));
}

uint32_t qf_htp_out_planes(QfHtpBuild *b, const QfTensor *t, size_t bytes)
{
  const uint32_t root = add_root(b, QF_DSP_ARENA, 0, MAX(bytes, form_bytes(t, QF_HTP_D4)), NULL);
  forms_of(b, t)->form[QF_HTP_FLAT] = add_view(b, root, 0, form_bytes(t, QF_HTP_FLAT));
  return add_view(b, root, 0, bytes);
}

uint32_t qf_htp_temp(QfHtpBuild *b, uint32_t like)
{
  const size_t size = g_array_index(b->tensors, QfHtpView, like).size;
  return add_tensor(b, QF_DSP_ARENA, 0, size, NULL);
}

uint32_t qf_htp_memory(QfHtpBuild *b, size_t bytes)
{
  return add_tensor(b, QF_DSP_ARENA, 0, bytes, NULL);
}

uint32_t qf_htp_to_planes(QfHtpBuild *b, const QfTensor *like, uint32_t from)
{
  const uint32_t to = qf_htp_memory(b, form_bytes(like, QF_HTP_D4));
  QfDspPixels p = {0};
  qf_htp_images(like, &p.n, &p.pixels, &p.channels);
  if (is_wide(like))
    add_wide_planes(b, like, from, to);
  else
    qf_htp_step(b, QF_DSP_ROW_from_nhwc, &p, sizeof(p), NULL, 0, &from, 1, to);
  return to;
}

void qf_htp_same(QfHtpBuild *b, const QfTensor *t, const QfTensor *x)
{
  int32_t n[2], pixels[2], c[2];
  qf_htp_images(t, &n[0], &pixels[0], &c[0]);
  qf_htp_images(x, &n[1], &pixels[1], &c[1]);
  const gboolean like = n[0] == n[1] && pixels[0] == pixels[1] && c[0] == c[1];
  const QfHtpForm form = like ? qf_htp_form(b, x) : QF_HTP_FLAT;
  const uint32_t in = qf_htp_in(b, x, form);
  const QfHtpView v = g_array_index(b->tensors, QfHtpView, in);
  forms_of(b, t)->form[form] = add_view(b, v.root, v.offset, form_bytes(t, form));
}

uint32_t qf_htp_constant(QfHtpBuild *b, size_t size, void *fill)
{
  void *data = b->dry ? NULL : qf_aligned_alloc(size);
  if (!b->dry && !data)
    g_error("%" G_GSIZE_FORMAT " bytes for packed constants cannot be had", size);
  if (data)
    g_ptr_array_add(b->constants, data);
  *(void **)fill = data;
  return add_tensor(b, QF_DSP_CONSTANT, 0, size, data);
}

static void touch(QfHtpBuild *b, uint32_t tensor)
{
  QfHtpRoot *root = &g_array_index(b->roots, QfHtpRoot, g_array_index(b->tensors, QfHtpView, tensor).root);
  root->first = MIN(root->first, b->steps->len);
  root->last = MAX(root->last, b->steps->len);
}

void qf_htp_step(QfHtpBuild *b, QfDspRowId row, const void *params, size_t params_bytes, const void *more,
                 size_t more_bytes, const uint32_t *in, uint32_t n_in, uint32_t out)
{
  const QfDspStepRecord step = {.row = row,
                                .n_in = n_in,
                                .n_out = 1,
                                .refs_at = b->refs->len * (uint32_t)sizeof(uint32_t),
                                .params_at = b->params->len,
                                .params_bytes = (uint32_t)(params_bytes + more_bytes)};
  static const uint8_t zeros[4];
  for (uint32_t i = 0; i < n_in; i++)
    touch(b, in[i]);
  touch(b, out);
  g_array_append_vals(b->refs, in, n_in);
  g_array_append_val(b->refs, out);
  g_byte_array_append(b->params, params, (guint)params_bytes);
  if (more)
    g_byte_array_append(b->params, more, (guint)more_bytes);
  g_byte_array_append(b->params, zeros, -b->params->len % 4);
  g_array_append_val(b->steps, step);
  g_array_append_val(b->nodes, b->node);
}

void qf_htp_build_input(QfHtpBuild *b, const QfTensor *t)
{
  const QfDspBorder border = {(uint32_t)qf_tensor_size_bytes(t), FALSE};
  forms_of(b, t)->border = add_tensor(b, QF_DSP_BORDER, b->borders->len, border.size_bytes, NULL);
  g_array_append_val(b->borders, border);
}

void qf_htp_build_output(QfHtpBuild *b, const QfTensor *t)
{
  const QfDspBorder border = {(uint32_t)qf_tensor_size_bytes(t), TRUE};
  const QfHtpForm form = qf_htp_form(b, t);
  const uint32_t in = qf_htp_in(b, t, form);
  const uint32_t to = add_tensor(b, QF_DSP_BORDER, b->borders->len, border.size_bytes, NULL);
  QfDspPixels p = {.flip = qf_htp_flip(t)};
  const QfDspCopy copy = {p.flip};
  qf_htp_images(t, &p.n, &p.pixels, &p.channels);
  g_array_append_val(b->borders, border);
  if (form == QF_HTP_D4 && is_wide(t))
    add_wide_pixels(b, t, in, to);
  else if (form == QF_HTP_D4)
    qf_htp_step(b, QF_DSP_ROW_to_nhwc, &p, sizeof(p), NULL, 0, &in, 1, to);
  else
    qf_htp_step(b, QF_DSP_ROW_copy, &copy, sizeof(copy), NULL, 0, &in, 1, to);
}
