/* SPDX-License-Identifier: MIT */
/*
 * resize.c - the row of Resize: bilinear and nearest resampling of height and width.
 */
#include "cpu.h"
#include "kernels/resize/resize_fast.h"

#include <string.h>

typedef struct {
  QfkResizeImage image;
  QfkResizeFunc run;
  size_t rows;
} Resize;

typedef struct {
  const Resize *p;
  const void *x;
  void *y;
} ResizeCall;

static void resize_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const ResizeCall *call = arg;
  call->p->run(&call->p->image, call->x, call->y, begin, end);
}

static void run_resize(const QfStep *step, const QfExec *exec)
{
  const Resize *p = step->params;
  ResizeCall call = {p, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, p->rows, 8192 / MAX(p->image.ow * p->image.c, 1) + 1, resize_range, &call);
}

/* Whole pixels, of the image's c bytes. */
static void nearest_range(void *arg, size_t begin, size_t end, uint32_t thread)
{
  const ResizeCall *call = arg;
  const QfkResizeImage *p = &call->p->image;
  for (size_t row = begin; row < end; row++) {
    size_t line = row / p->oh * p->h + (size_t)p->rows[row % p->oh].index[0];
    const char *from = (const char *)call->x + line * p->w * p->c;
    char *to = (char *)call->y + row * p->ow * p->c;
    for (size_t x = 0; x < p->ow; x++, to += p->c)
      memcpy(to, from + (size_t)p->columns[x].index[0] * p->c, p->c);
  }
}

static void run_nearest(const QfStep *step, const QfExec *exec)
{
  const Resize *p = step->params;
  ResizeCall call = {p, qf_step_in(step, exec, 0), qf_step_out(step, exec, 0)};
  qf_cpu_parallel(exec, p->rows, 32768 / MAX(p->image.ow * p->image.c, 1) + 1, nearest_range, &call);
}

static gboolean is_image(const QfNode *node)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  return x->rank == 4 && x->dims[0] == y->dims[0] && x->dims[3] == y->dims[3] && qf_tensor_count(y);
}

/* Kernel kind, with the integer constants set; FALSE: other types. */
static gboolean find_kind(const QfTensor *x, const QfTensor *y, QfkResizeImage *image, int32_t *kind)
{
  QfkInt type;
  *kind = QFK_RESIZE_LINEAR_F32;
  if (x->dtype == QF_DTYPE_FLOAT32)
    return TRUE;
  if (x->dtype != y->dtype || x->enc.count != 1 || y->enc.count != 1 || !qf_cpu_int_type(x->dtype, &type) ||
      type > QFK_S8)
    return FALSE;
  *kind = type == QFK_U8 ? QFK_RESIZE_LINEAR_U8 : QFK_RESIZE_LINEAR_S8;
  image->x_scale = x->enc.entries[0].scale;
  image->y_scale = y->enc.entries[0].scale;
  image->x_zero = qf_cpu_zero_point(x);
  image->y_zero = qf_cpu_zero_point(y);
  image->lo = (float)((type == QFK_U8 ? 0 : -128) - image->y_zero);
  image->hi = (float)((type == QFK_U8 ? 255 : 127) - image->y_zero);
  return TRUE;
}

static const QfkTap2 *make_taps(QfLower *lower, const QfkResize *r, int32_t dim)
{
  QfkTap2 *taps = qf_lower_alloc(lower, (size_t)r->out[dim] * sizeof(*taps));
  for (int64_t i = 0; i < r->out[dim]; i++) {
    QfkTaps t;
    qfk_resize_taps(r, dim, i, &t);
    for (int k = 0; k < 2; k++) {
      taps[i].index[k] = (int32_t)t.index[k < t.n ? k : 0];
      taps[i].weight[k] = k < t.n ? t.weight[k] : 0;
    }
  }
  return taps;
}

static void describe(const QfNode *node, QfkResize *r)
{
  const QfResizeAttrs *a = node->attrs;
  *r = (QfkResize){.rank = 4,
                   .interpolation = a->interpolation,
                   .coordinate_mode = a->coordinate_mode,
                   .nearest_mode = a->nearest_mode};
  for (int i = 0; i < 4; i++) {
    uint32_t bits = a->scale.n ? (uint32_t)a->scale.v[i] : 0;
    r->in[i] = node->inputs[0]->dims[i];
    r->out[i] = node->outputs[0]->dims[i];
    r->scale[i] = (float)r->out[i] / (float)r->in[i];
    if (bits)
      memcpy(&r->scale[i], &bits, sizeof(bits));
  }
}

static Resize *new_resize(QfLower *lower, const QfNode *node, QfkResizeImage image, size_t pixel)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfkResize r;
  describe(node, &r);
  Resize *p = qf_lower_alloc(lower, sizeof(*p));
  p->image = image;
  p->image.h = (size_t)x->dims[1];
  p->image.w = (size_t)x->dims[2];
  p->image.c = pixel;
  p->image.oh = (size_t)y->dims[1];
  p->image.ow = (size_t)y->dims[2];
  p->image.rows = make_taps(lower, &r, 1);
  p->image.columns = make_taps(lower, &r, 2);
  p->rows = (size_t)(y->dims[0] * y->dims[1]);
  return p;
}

gboolean qf_cpu_lower_resize(QfLower *lower, QfNode *node)
{
  const QfResizeAttrs *a = node->attrs;
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfkResizeImage image = {0};
  int32_t kind;
  if (!is_image(node))
    return FALSE;
  if (a->interpolation == QF_RESIZE_NEAREST && x->dtype == y->dtype && x->enc.count <= 1 &&
      qf_encoding_equal(&x->enc, &y->enc)) {
    size_t pixel = (size_t)x->dims[3] * qf_dtype_size(x->dtype);
    qf_lower_step(lower, node, QF_CPU_UNIT, "resize_nearest", run_nearest,
                  new_resize(lower, node, image, pixel), 0);
    return TRUE;
  }
  if (a->interpolation != QF_RESIZE_LINEAR || !find_kind(x, y, &image, &kind))
    return FALSE;
  const QfkKernel *kernel = qfk_kernel_find(qfk_resize_kernels, qfk_cpu_features(), kind);
  if (!kernel)
    return FALSE;
  Resize *p = new_resize(lower, node, image, (size_t)x->dims[3]);
  p->run = (QfkResizeFunc)kernel->function;
  qf_lower_step(lower, node, QF_CPU_UNIT, kernel->name, run_resize, p, 0);
  return TRUE;
}
