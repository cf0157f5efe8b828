/* SPDX-License-Identifier: MIT */
/*
 * gstqnndraw.c - the drawing of gstqnndraw.h, component by component.
 */
#include "gstqnndraw.h"
#include <string.h>

void gst_qnn_canvas_init(GstQnnCanvas *canvas, GstVideoFrame *frame)
{
  const GstVideoFormatInfo *format = frame->info.finfo;

  memset(canvas, 0, sizeof *canvas);
  canvas->width = GST_VIDEO_FRAME_WIDTH(frame);
  canvas->height = GST_VIDEO_FRAME_HEIGHT(frame);
  canvas->rgb = GST_VIDEO_FORMAT_INFO_IS_RGB(format);
  canvas->full_range = frame->info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  if (!gst_video_color_matrix_get_Kr_Kb(frame->info.colorimetry.matrix, &canvas->kr, &canvas->kb))
    gst_video_color_matrix_get_Kr_Kb(GST_VIDEO_COLOR_MATRIX_BT601, &canvas->kr, &canvas->kb);
  canvas->n = GST_VIDEO_FORMAT_INFO_IS_GRAY(format) ? 1 : 3;
  for (guint i = 0; i < canvas->n; i++) {
    canvas->comp[i].data = GST_VIDEO_FRAME_COMP_DATA(frame, i);
    canvas->comp[i].stride = GST_VIDEO_FRAME_COMP_STRIDE(frame, i);
    canvas->comp[i].step = GST_VIDEO_FRAME_COMP_PSTRIDE(frame, i);
    canvas->comp[i].width = GST_VIDEO_FRAME_COMP_WIDTH(frame, i);
    canvas->comp[i].height = GST_VIDEO_FRAME_COMP_HEIGHT(frame, i);
    canvas->comp[i].shift_x = GST_VIDEO_FORMAT_INFO_W_SUB(format, i);
    canvas->comp[i].shift_y = GST_VIDEO_FORMAT_INFO_H_SUB(format, i);
  }
}

static guint8 to_byte(gdouble v)
{
  return (guint8)(CLAMP(v, 0, 255) + 0.5);
}

GstQnnColor gst_qnn_canvas_color(const GstQnnCanvas *canvas, guint32 rgb)
{
  gdouble r = (rgb >> 16) & 255, g = (rgb >> 8) & 255, b = rgb & 255;
  gdouble y = canvas->kr * r + (1 - canvas->kr - canvas->kb) * g + canvas->kb * b;
  gdouble cb = (b - y) / (1 - canvas->kb) / 2, cr = (r - y) / (1 - canvas->kr) / 2;

  if (canvas->rgb)
    return (GstQnnColor){{to_byte(r), to_byte(g), to_byte(b)}};
  if (canvas->full_range || canvas->n == 1)
    return (GstQnnColor){{to_byte(y), to_byte(cb + 128), to_byte(cr + 128)}};
  return (GstQnnColor){
      {to_byte(16 + y * 219 / 255), to_byte(128 + cb * 224 / 255), to_byte(128 + cr * 224 / 255)}};
}

static void fill_row(guint8 *p, gint step, gint n, guint8 value)
{
  if (step == 1) {
    memset(p, value, n);
    return;
  }
  for (gint i = 0; i < n; i++, p += step)
    *p = value;
}

void gst_qnn_canvas_fill(const GstQnnCanvas *canvas, gint x, gint y, gint width, gint height,
                         GstQnnColor color)
{
  gint right = MIN(x + width, canvas->width), bottom = MIN(y + height, canvas->height);

  x = MAX(x, 0);
  y = MAX(y, 0);
  if (x >= right || y >= bottom)
    return;
  for (guint k = 0; k < canvas->n; k++) {
    gint x0 = x >> canvas->comp[k].shift_x, x1 = -(-right >> canvas->comp[k].shift_x);
    gint y0 = y >> canvas->comp[k].shift_y, y1 = -(-bottom >> canvas->comp[k].shift_y);
    x1 = MIN(x1, canvas->comp[k].width);
    y1 = MIN(y1, canvas->comp[k].height);
    for (gint row = y0; row < y1; row++)
      fill_row(canvas->comp[k].data + (gsize)row * canvas->comp[k].stride + (gsize)x0 * canvas->comp[k].step,
               canvas->comp[k].step, x1 - x0, color.c[k]);
  }
}

void gst_qnn_canvas_box(const GstQnnCanvas *canvas, gint x, gint y, gint width, gint height, gint line,
                        GstQnnColor color)
{
  line = MIN(line, MIN(width, height));
  gst_qnn_canvas_fill(canvas, x, y, width, line, color);
  gst_qnn_canvas_fill(canvas, x, y + height - line, width, line, color);
  gst_qnn_canvas_fill(canvas, x, y, line, height, color);
  gst_qnn_canvas_fill(canvas, x + width - line, y, line, height, color);
}

void gst_qnn_canvas_disc(const GstQnnCanvas *canvas, gint x, gint y, gint radius, GstQnnColor color)
{
  for (gint dy = -radius; dy <= radius; dy++) {
    gint dx = 0;
    while ((dx + 1) * (dx + 1) + dy * dy <= radius * radius)
      dx++;
    gst_qnn_canvas_fill(canvas, x - dx, y + dy, 2 * dx + 1, 1, color);
  }
}

static inline guint8 mix(guint8 under, guint8 over, guint alpha)
{
  return (guint8)((under * (256 - alpha) + over * alpha) >> 8);
}

static void draw_glyph(const GstQnnCanvas *canvas, const GstQnnFont *font, const guint8 *glyph, gint x,
                       gint y, GstQnnColor color)
{
  for (guint k = 0; k < canvas->n; k++) {
    guint sx = canvas->comp[k].shift_x, sy = canvas->comp[k].shift_y;
    gint x0 = MAX(x >> sx, 0), x1 = MIN((x + font->width) >> sx, canvas->comp[k].width);
    gint y0 = MAX(y >> sy, 0), y1 = MIN((y + font->height) >> sy, canvas->comp[k].height);
    for (gint row = y0; row < y1; row++) {
      gint gy = MAX((row << sy) - y, 0);
      guint8 *p =
          canvas->comp[k].data + (gsize)row * canvas->comp[k].stride + (gsize)x0 * canvas->comp[k].step;
      for (gint column = x0; column < x1; column++, p += canvas->comp[k].step) {
        guint alpha = glyph[gy * font->width + MAX((column << sx) - x, 0)];
        *p = mix(*p, color.c[k], alpha + (alpha >> 7));
      }
    }
  }
}

void gst_qnn_canvas_text(const GstQnnCanvas *canvas, const GstQnnFont *font, gint x, gint y,
                         const gchar *text, GstQnnColor color)
{
  for (; *text && x < canvas->width; text++, x += font->width)
    if (x + font->width > 0)
      draw_glyph(canvas, font, gst_qnn_font_glyph(font, (guchar)*text), x, y, color);
}

/* The cell of the mask for each pixel column of the region. */
static gint32 *mask_columns(const QfMask *mask, gint x0, gint x1)
{
  gint32 *columns = g_new(gint32, x1 - x0);

  for (gint x = x0; x < x1; x++)
    columns[x - x0] = (gint32)((gint64)(x - mask->region.x) * mask->width / mask->region.width);
  return columns;
}

void gst_qnn_canvas_mask(const GstQnnCanvas *canvas, const QfMask *mask, const GstQnnColor *colors,
                         guint n_colors, guint alpha)
{
  const QfRect *r = &mask->region;
  gint x0 = MAX(r->x, 0), x1 = MIN(r->x + r->width, canvas->width);
  gint y0 = MAX(r->y, 0), y1 = MIN(r->y + r->height, canvas->height);
  g_autofree gint32 *columns = NULL;

  if (x0 >= x1 || y0 >= y1 || mask->width < 1 || mask->height < 1)
    return;
  columns = mask_columns(mask, x0, x1);
  for (guint k = 0; k < canvas->n; k++) {
    guint sx = canvas->comp[k].shift_x, sy = canvas->comp[k].shift_y;
    for (gint y = (y0 + (1 << sy) - 1) >> sy; y << sy < y1; y++) {
      const guint8 *cells =
          mask->classes + (gint64)((y << sy) - r->y) * mask->height / r->height * mask->width;
      guint8 *row = canvas->comp[k].data + (gsize)y * canvas->comp[k].stride;
      for (gint x = (x0 + (1 << sx) - 1) >> sx; x << sx < x1; x++) {
        guint8 cell = cells[columns[(x << sx) - x0]];
        guint8 *p = row + (gsize)x * canvas->comp[k].step;
        if (cell)
          *p = mix(*p, colors[cell % n_colors].c[k], alpha);
      }
    }
  }
}
