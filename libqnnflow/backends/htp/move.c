/* SPDX-License-Identifier: MIT */
/*
 * move.c - operators that move values.
 */
#include "build.h"
#include "../ref/encoded.h"

gboolean qf_htp_reshape(QfHtpBuild *b, const QfNode *node, GString *why)
{
  const QfTensor *x = node->inputs[0], *y = node->outputs[0];
  if (!qf_htp_encoding(x, NULL, why))
    return FALSE;
  if (!qf_ref_same_form(x, y)) {
    g_string_append(why, "input and output are encoded differently");
    return FALSE;
  }
  qf_htp_same(b, y, x);
  return TRUE;
}
