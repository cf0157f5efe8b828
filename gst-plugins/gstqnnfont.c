/* SPDX-License-Identifier: MIT */
/*
 * gstqnnfont.c - the strokes of 95 glyphs, and drawing them into coverage.
 *
 * A glyph is a list of lines separated by spaces; a line is a row of points, two digits each: column 0..4 and row 0..8,
 * where capitals stand on rows 0..6, small letters on 2..6, and tails reach 8. One point twice is a dot. A cell is six
 * columns and ten rows of the same size, with half a column and half a row around.
 */
#include "gstqnnfont.h"
#include <math.h>

#define CELL_COLUMNS 6
#define CELL_ROWS 10

static const gchar *const strokes[GST_QNN_FONT_COUNT] = {
    [' ' - 32] = "",
    ['!' - 32] = "2024 2626",
    ['"' - 32] = "1012 3032",
    ['#' - 32] = "1016 3036 0242 0444",
    ['$' - 32] = "413010010213334445361605 2027",
    ['%' - 32] = "0010110100 4006 3545463635",
    ['&' - 32] = "4612112031320405162644",
    ['\'' - 32] = "2022",
    ['(' - 32] = "30121436",
    [')' - 32] = "10323416",
    ['*' - 32] = "2125 0244 4204",
    ['+' - 32] = "2125 0343",
    [',' - 32] = "2517",
    ['-' - 32] = "1333",
    ['.' - 32] = "2626",
    ['/' - 32] = "4006",
    ['0' - 32] = "103041453616050110 0541",
    ['1' - 32] = "112026 1636",
    ['2' - 32] = "01103041420646",
    ['3' - 32] = "01103041423323 334445361605",
    ['4' - 32] = "36300444",
    ['5' - 32] = "400002324345361605",
    ['6' - 32] = "413010010516364544331304",
    ['7' - 32] = "00402326",
    ['8' - 32] = "103041423313020110 3344453616050413",
    ['9' - 32] = "423313020110304145361605",
    [':' - 32] = "2222 2525",
    [';' - 32] = "2222 2517",
    ['<' - 32] = "311335",
    ['=' - 32] = "0242 0444",
    ['>' - 32] = "113315",
    ['?' - 32] = "01103041422324 2626",
    ['@' - 32] = "344341301001051646 343222132434",
    ['A' - 32] = "062046 1434",
    ['B' - 32] = "003041423303 334445360600",
    ['C' - 32] = "4130100105163645",
    ['D' - 32] = "00204244260600",
    ['E' - 32] = "40000646 0333",
    ['F' - 32] = "400006 0333",
    ['G' - 32] = "41301001051636454323",
    ['H' - 32] = "0006 4046 0343",
    ['I' - 32] = "1030 2026 1636",
    ['J' - 32] = "4045361605",
    ['K' - 32] = "0006 400346",
    ['L' - 32] = "000646",
    ['M' - 32] = "0600234046",
    ['N' - 32] = "06004640",
    ['O' - 32] = "103041453616050110",
    ['P' - 32] = "06003041423303",
    ['Q' - 32] = "103041453616050110 2446",
    ['R' - 32] = "06003041423303 2346",
    ['S' - 32] = "413010010213334445361605",
    ['T' - 32] = "0040 2026",
    ['U' - 32] = "000516364540",
    ['V' - 32] = "002640",
    ['W' - 32] = "0016233640",
    ['X' - 32] = "0046 4006",
    ['Y' - 32] = "002340 2326",
    ['Z' - 32] = "00400646",
    ['[' - 32] = "30101636",
    ['\\' - 32] = "0046",
    [']' - 32] = "10303616",
    ['^' - 32] = "122032",
    ['_' - 32] = "0747",
    ['`' - 32] = "1021",
    ['a' - 32] = "12324346 441405163645",
    ['b' - 32] = "0006 0312324345361605",
    ['c' - 32] = "4332120305163645",
    ['d' - 32] = "4046 4332120305163645",
    ['e' - 32] = "044443321203051636",
    ['f' - 32] = "41302126 1333",
    ['g' - 32] = "4247381807 4332120305163645",
    ['h' - 32] = "0006 0312324346",
    ['i' - 32] = "122226 1636 2020",
    ['j' - 32] = "223237281807 3030",
    ['k' - 32] = "0006 420446",
    ['l' - 32] = "102026 1636",
    ['m' - 32] = "0206 03122326 23324346",
    ['n' - 32] = "0206 0312324346",
    ['o' - 32] = "123243453616050312",
    ['p' - 32] = "0208 0312324345361605",
    ['q' - 32] = "4248 4332120305163645",
    ['r' - 32] = "0206 04223243",
    ['s' - 32] = "43321203143445361605",
    ['t' - 32] = "20253645 1232",
    ['u' - 32] = "0205163645 4246",
    ['v' - 32] = "022642",
    ['w' - 32] = "0216243642",
    ['x' - 32] = "0246 4206",
    ['y' - 32] = "0226 4218",
    ['z' - 32] = "02420646",
    ['{' - 32] = "30212213242536",
    ['|' - 32] = "2027",
    ['}' - 32] = "10212233242516",
    ['~' - 32] = "04133443",
};

/* Distance from (x, y) to the line from a to b, in grid units. */
static gfloat distance(gfloat x, gfloat y, const gchar *a, const gchar *b)
{
  gfloat ax = a[0] - '0', ay = a[1] - '0', dx = b[0] - a[0], dy = b[1] - a[1];
  gfloat length2 = dx * dx + dy * dy;
  gfloat t = length2 > 0 ? ((x - ax) * dx + (y - ay) * dy) / length2 : 0;

  t = CLAMP(t, 0.0f, 1.0f);
  return hypotf(x - ax - t * dx, y - ay - t * dy);
}

static gfloat nearest(gfloat x, gfloat y, const gchar *glyph)
{
  gfloat best = 100;

  for (const gchar *p = glyph; *p && p[1]; p += 2) {
    if (*p == ' ')
      p++;
    if (p[2] && p[2] != ' ')
      best = MIN(best, distance(x, y, p, p + 2));
  }
  return best;
}

static void draw_glyph(GstQnnFont *font, guint8 *to, const gchar *glyph)
{
  gfloat unit = (gfloat)font->height / CELL_ROWS;
  gfloat radius = MAX(0.5f * unit, 0.8f); /* half of a stroke, in pixels */

  for (gint row = 0; row < font->height; row++) {
    for (gint column = 0; column < font->width; column++) {
      gfloat x = (column + 0.5f) / unit - 1, y = (row + 0.5f) / unit - 1;
      gfloat cover = radius - nearest(x, y, glyph) * unit + 0.5f;
      to[row * font->width + column] = (guint8)(CLAMP(cover, 0.0f, 1.0f) * 255);
    }
  }
}

GstQnnFont *gst_qnn_font_new(gint height)
{
  GstQnnFont *font = g_new(GstQnnFont, 1);

  font->height = CLAMP(height, 8, 256);
  font->width = (font->height * CELL_COLUMNS + CELL_ROWS / 2) / CELL_ROWS;
  font->alpha = g_malloc((gsize)GST_QNN_FONT_COUNT * font->width * font->height);
  for (guint i = 0; i < GST_QNN_FONT_COUNT; i++)
    draw_glyph(font, font->alpha + (gsize)i * font->width * font->height, strokes[i]);
  return font;
}

void gst_qnn_font_free(GstQnnFont *font)
{
  if (!font)
    return;
  g_free(font->alpha);
  g_free(font);
}

const guint8 *gst_qnn_font_glyph(const GstQnnFont *font, guchar character)
{
  guint i = character >= GST_QNN_FONT_FIRST && character < GST_QNN_FONT_FIRST + GST_QNN_FONT_COUNT
                ? character - GST_QNN_FONT_FIRST
                : '?' - GST_QNN_FONT_FIRST;

  return font->alpha + (gsize)i * font->width * font->height;
}
