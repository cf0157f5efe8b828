/* SPDX-License-Identifier: MIT */
/*
 * image.c - the converter of <qnnflow/image.h>: checks what comes from outside, fits rectangles, keeps a plan.
 *
 * Fitting is in integers. With the crop w x h and the tensor W x H, letterbox keeps the larger of W/w and H/h exact and
 * rounds the other side to the nearest pixel, half up, at least one; the odd pixel of a border goes to the right or the bottom.
 * Centre crop does the same to the crop. The plan is made anew only when the crop changes; the memory is reused.
 */
#include "formats.h"

#include <math.h>
#include <string.h>

#define MAX_SIDE 32768
#define MAX_OFFSET 65535

struct _QfImageConverter {
  const QfPixelInfo *info;
  QfImage frame; /* format, size, matrix, range; no planes */
  QfFit fit;
  QfRect wanted; /* the crop the plan was made for, as the caller gave it */
  const QfkImageKernel *kernel;
  QfGeometry geometry;
  QfkImagePlan plan;
  void *memory;
  char name[48];
};

static const struct {
  QfDType dtype;
  QfkImageType type;
} types[] = {
    {QF_DTYPE_FLOAT32, QFK_IMAGE_F32}, {QF_DTYPE_FLOAT16, QFK_IMAGE_F16}, {QF_DTYPE_UINT8, QFK_IMAGE_U8},
    {QF_DTYPE_INT8, QFK_IMAGE_I8},     {QF_DTYPE_UINT16, QFK_IMAGE_U16},  {QF_DTYPE_INT16, QFK_IMAGE_I16},
};

static gboolean check_frame(const QfImage *frame, GError **error)
{
  const char *name = qf_pixel_name(frame->format);
  if (!name) {
    g_set_error(
        error, QF_ERROR, QF_ERROR_ARGUMENT,
        "image: %d is not a pixel format; give NV12, NV21, I420, YUY2, UYVY, GRAY8 or one of the RGB family",
        (int)frame->format);
    return FALSE;
  }
  if (frame->width < 1 || frame->height < 1 || frame->width > MAX_SIDE || frame->height > MAX_SIDE) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "image: a %s frame of %dx%d: sides must be 1 to %d pixels", name, frame->width, frame->height,
                MAX_SIDE);
    return FALSE;
  }
  if ((unsigned)frame->matrix > QF_MATRIX_BT2020) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "image: %d is not a colour matrix; give BT.601, BT.709 or BT.2020", (int)frame->matrix);
    return FALSE;
  }
  return TRUE;
}

static gboolean find_type(QfDType dtype, QfkImageType *type, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS(types); i++)
    if (types[i].dtype == dtype) {
      *type = types[i].type;
      return TRUE;
    }
  g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
              "image: cannot write %s tensors; images become float32, float16, uint8, int8, uint16 or int16",
              qf_dtype_name(dtype));
  return FALSE;
}

static gboolean check_target(const QfImageTarget *t, GError **error)
{
  if (t->width < 1 || t->height < 1 || t->width > MAX_SIDE || t->height > MAX_SIDE) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT, "image: a tensor of %dx%d: sides must be 1 to %d pixels",
                t->width, t->height, MAX_SIDE);
    return FALSE;
  }
  if ((unsigned)t->channels > QF_CHANNELS_GRAY || (unsigned)t->fit > QF_FIT_CROP ||
      (unsigned)t->filter > QF_FILTER_AREA || (unsigned)t->layout > QF_LAYOUT_NCHW) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "image: channels %d, fit %d, filter %d or layout %d is not known", (int)t->channels,
                (int)t->fit, (int)t->filter, (int)t->layout);
    return FALSE;
  }
  for (int c = 0; c < 3; c++)
    if (!isfinite(t->mean[c]) || !isfinite(t->std[c])) {
      g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                  "image: mean %g or std %g of channel %d is not a finite number", t->mean[c], t->std[c], c);
      return FALSE;
    }
  if (!isfinite(t->scale) || t->scale < 0 || t->offset < -MAX_OFFSET || t->offset > MAX_OFFSET) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "image: scale %g must be positive and offset %d within -%d to %d: see the quantization of "
                "the model's input",
                t->scale, t->offset, MAX_OFFSET, MAX_OFFSET);
    return FALSE;
  }
  return TRUE;
}

static void fill_spec(const QfPixelInfo *info, const QfImage *frame, const QfImageTarget *t, QfkImageSpec *s)
{
  s->frame_width = frame->width;
  s->frame_height = frame->height;
  s->n_planes = info->n_planes;
  for (int p = 0; p < info->n_planes; p++)
    s->row_bytes[p] = qf_pixel_row_bytes(info, p, frame->width);
  qf_color_setup(info, frame, t->channels, s);
  s->width = t->width;
  s->height = t->height;
  s->area = t->filter == QF_FILTER_AREA;
  s->planar = t->layout == QF_LAYOUT_NCHW;
  s->scale = t->scale > 0 ? t->scale : 1;
  s->offset = t->offset;
  for (int c = 0; c < s->channels; c++) {
    s->mean[c] = t->mean[c];
    s->std[c] = t->std[c] != 0 ? t->std[c] : 1;
    s->border[c] = t->border[t->channels == QF_CHANNELS_BGR ? 2 - c : c];
  }
  if (s->channels == 1)
    s->border[0] = 0.299 * t->border[0] + 0.587 * t->border[1] + 0.114 * t->border[2];
}

/* round(a * b / c), half up, within 1 to @max. */
static int32_t scaled(int32_t a, int32_t b, int32_t c, int32_t max)
{
  int64_t v = (2 * (int64_t)a * b + c) / (2 * (int64_t)c);
  return (int32_t)CLAMP(v, 1, max);
}

static void fit_rects(QfFit fit, int32_t width, int32_t height, QfRect *crop, QfRect *out)
{
  gboolean wide = (int64_t)crop->width * height >= (int64_t)width * crop->height; /* than the tensor */
  *out = (QfRect){0, 0, width, height};
  if (fit == QF_FIT_CROP) {
    QfRect whole = *crop;
    if (wide)
      crop->width = scaled(whole.height, width, height, whole.width);
    else
      crop->height = scaled(whole.width, height, width, whole.height);
    crop->x += (whole.width - crop->width) / 2;
    crop->y += (whole.height - crop->height) / 2;
  } else if (fit != QF_FIT_STRETCH) {
    if (wide)
      out->height = scaled(crop->height, width, crop->width, height);
    else
      out->width = scaled(crop->width, height, crop->height, width);
    if (fit == QF_FIT_LETTERBOX) {
      out->x = (width - out->width) / 2;
      out->y = (height - out->height) / 2;
    }
  }
}

static void make_plan(QfImageConverter *c, const QfRect *crop)
{
  QfkImageSpec spec = c->plan.spec;
  QfGeometry *g = &c->geometry;
  c->wanted = *crop;
  *g = (QfGeometry){.crop = *crop,
                    .frame_width = c->frame.width,
                    .frame_height = c->frame.height,
                    .width = spec.width,
                    .height = spec.height};
  fit_rects(c->fit, spec.width, spec.height, &g->crop, &g->fit);
  memcpy(spec.crop, (int32_t[]){g->crop.x, g->crop.y, g->crop.width, g->crop.height}, sizeof spec.crop);
  memcpy(spec.fit, (int32_t[]){g->fit.x, g->fit.y, g->fit.width, g->fit.height}, sizeof spec.fit);
  qfk_image_plan_init(&c->plan, &spec, c->kernel->rows, c->memory);
}

QfImageConverter *qf_image_converter_new(const QfImage *frame, const QfImageTarget *target, GError **error)
{
  QfkImageSpec spec = {0};
  if (!check_frame(frame, error) || !check_target(target, error) ||
      !find_type(target->dtype, &spec.type, error))
    return NULL;
  QfImageConverter *c = g_new0(QfImageConverter, 1);
  c->info = qf_pixel_info(frame->format);
  c->frame = *frame;
  c->fit = target->fit;
  c->kernel = qfk_image_select(qfk_cpu_features());
  fill_spec(c->info, frame, target, &spec);
  c->plan.spec = spec;
  c->memory = g_aligned_alloc(1, qfk_image_plan_size(&spec), QF_ALIGNMENT);
  g_snprintf(c->name, sizeof c->name, "%s_%s_%s", c->info->lower, spec.area ? "area" : "bilinear",
             c->kernel->isa);
  make_plan(c, &(QfRect){0, 0, frame->width, frame->height});
  return c;
}

void qf_image_converter_free(QfImageConverter *converter)
{
  if (!converter)
    return;
  g_aligned_free(converter->memory);
  g_free(converter);
}

static gboolean check_match(const QfImageConverter *c, const QfImage *frame, GError **error)
{
  const QfImage *own = &c->frame;
  if (frame->format != own->format || frame->width != own->width || frame->height != own->height) {
    const char *name = qf_pixel_name(frame->format);
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "image: a %s frame of %dx%d came to a converter made for %s of %dx%d; make a new one",
                name ? name : "?", frame->width, frame->height, c->info->name, own->width, own->height);
    return FALSE;
  }
  for (int p = 0; p < c->info->n_planes; p++)
    if (!frame->planes[p] || frame->strides[p] < c->plan.spec.row_bytes[p]) {
      g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                  "image: plane %d of a %s frame %d pixels wide: address %p, stride %d; rows have %d bytes",
                  p, c->info->name, own->width, (const void *)frame->planes[p], frame->strides[p],
                  c->plan.spec.row_bytes[p]);
      return FALSE;
    }
  return TRUE;
}

/* @crop clipped to the frame; FALSE when nothing is left. */
static gboolean clip(const QfImage *frame, const QfRect *crop, QfRect *out, GError **error)
{
  int64_t x0 = MAX(crop->x, 0), y0 = MAX(crop->y, 0);
  int64_t x1 = MIN((int64_t)crop->x + crop->width, frame->width);
  int64_t y1 = MIN((int64_t)crop->y + crop->height, frame->height);
  if (x1 <= x0 || y1 <= y0) {
    g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
                "image: the region %dx%d at %d,%d is outside the frame of %dx%d", crop->width, crop->height,
                crop->x, crop->y, frame->width, frame->height);
    return FALSE;
  }
  *out = (QfRect){(int32_t)x0, (int32_t)y0, (int32_t)(x1 - x0), (int32_t)(y1 - y0)};
  return TRUE;
}

gboolean qf_image_convert(QfImageConverter *converter, const QfImage *frame, const QfRect *crop, void *tensor,
                          QfGeometry *geometry, GError **error)
{
  QfRect region = {0, 0, frame->width, frame->height};
  if (!check_match(converter, frame, error) || (crop && !clip(frame, crop, &region, error)))
    return FALSE;
  if (memcmp(&region, &converter->wanted, sizeof region))
    make_plan(converter, &region);
  qfk_image_convert(&converter->plan, frame->planes, frame->strides, tensor);
  if (geometry)
    *geometry = converter->geometry;
  return TRUE;
}

const char *qf_image_converter_kernel(const QfImageConverter *converter)
{
  return converter->name;
}

const QfkImageSpec *qf_image_converter_spec(const QfImageConverter *converter)
{
  return &converter->plan.spec;
}
