/* SPDX-License-Identifier: MIT */
/*
 * encode.c - Quantize and Dequantize between floats and 8 bits, Convert from and to 16 bits. Floats are flat; they are what the caller has, so Quantize reads them in place.
 */
#include "build.h"
#include "../ref/encoded.h"
#include "../../ops/list.h"
#include "kernels/quantize/quantize_hvx.h"

#include <string.h>

static gboolean is_float(const QfTensor *t, GString *why)
{
  if (t->dtype != QF_DTYPE_FLOAT32)
    g_string_append_printf(why, "tensor '%s' is %s: the kernels for Hexagon convert float32 alone", t->name,
                           qf_dtype_name(t->dtype));
  return t->dtype == QF_DTYPE_FLOAT32;
}

gboolean qf_htp_quantize(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfDspQuantize c = {0};
  QfkQuantizeHvx k;
  QfkEncoding e;
  if (!is_float(x, why) || !qf_htp_encoding(y, &e, why))
    return FALSE;
  if (!qfk_quantize_hvx_init(&k, e.scale, e.zero, QFK_U8, c.bytes)) {
    g_string_append(why, "its scale is beyond 1e-25 to 1e25");
    return FALSE;
  }
  c.low = k.low;
  c.high = k.high;
  c.top = k.top;
  c.m = k.m;
  c.base = k.base;
  const uint32_t in = qf_htp_in_place(b, x);
  qf_htp_step(b, QF_DSP_ROW_quantize, &c, sizeof(c), NULL, 0, &in, 1, qf_htp_out(b, y, QF_HTP_FLAT));
  return TRUE;
}

gboolean qf_htp_dequantize(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfDspDequantize c = {0};
  QfkEncoding e;
  if (!qf_htp_encoding(x, &e, why) || !is_float(y, why))
    return FALSE;
  qfk_dequantize_hvx_init(e.scale, e.zero, QFK_U8, c.bytes);
  const uint32_t in = qf_htp_in(b, x, QF_HTP_FLAT);
  qf_htp_step(b, QF_DSP_ROW_dequantize, &c, sizeof(c), NULL, 0, &in, 1, qf_htp_out(b, y, QF_HTP_FLAT));
  return TRUE;
}

gboolean qf_htp_convert_wide(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  QfkEncoding ex, ey;
  if (!qf_htp_any_encoding(x, &ex, why) || !qf_htp_any_encoding(y, &ey, why))
    return FALSE;
  const double ratio = (double)ex.scale / (double)ey.scale;
  const QfkFixed fixed = qfk_once(ratio, FALSE);
  const QfkRequantize q = {ex.type, ey.type, ex.zero, ey.zero, (float)ratio, &fixed};
  QfDspWiden widen = {0};
  if (ex.type == QFK_U8) {
    qfk_widen_hvx_init(&q, widen.bytes);
    const uint32_t in = qf_htp_in(b, x, QF_HTP_FLAT);
    qf_htp_step(b, QF_DSP_ROW_widen, &widen, sizeof(widen), NULL, 0, &in, 1, qf_htp_out(b, y, QF_HTP_FLAT));
    return TRUE;
  }
  const QfDspRequantize c = {ex.type == QFK_S16, (int32_t)ey.type, ex.zero, ey.zero,
                             fixed.multiplier,   fixed.shift};
  const uint32_t in = qf_htp_in(b, x, QF_HTP_FLAT);
  qf_htp_step(b, QF_DSP_ROW_requantize, &c, sizeof(c), NULL, 0, &in, 1, qf_htp_out(b, y, QF_HTP_FLAT));
  return TRUE;
}
