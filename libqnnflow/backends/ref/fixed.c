/* SPDX-License-Identifier: MIT */
/*
 * fixed.c - multipliers of the `fixed` scheme (QfModelOptions.requant) from the encodings of a node.
 *
 * All are made from the double ratio of scales, rounded once; a backend that computes in this scheme makes them the same way.
 */
#include "fixed.h"

const QfkFixed *qf_ref_fixed_multiplier(QfLower *lower, double real, gboolean wide)
{
  if (lower->requant != QF_REQUANT_FIXED)
    return NULL;
  QfkFixed *f = qf_lower_alloc(lower, sizeof(*f));
  *f = qfk_once(real, wide);
  return f;
}

void qf_ref_fixed_one(QfLower *lower, double real, gboolean wide, QfkRequant *requant)
{
  const QfkFixed *f = qf_ref_fixed_multiplier(lower, real, wide);
  if (!f)
    return;
  requant->fixed = f;
  requant->once = TRUE;
  requant->wide = wide;
}

void qf_ref_fixed_requant(QfLower *lower, const QfNode *node, int64_t channels, gboolean wide,
                          QfkRequant *requant)
{
  const QfEncoding *x = &node->inputs[0]->enc, *w = &node->inputs[1]->enc, *y = &node->outputs[0]->enc;
  if (lower->requant != QF_REQUANT_FIXED)
    return;
  QfkFixed *f = qf_lower_alloc(lower, (size_t)channels * sizeof(*f));
  for (int64_t c = 0; c < channels; c++)
    f[c] = qfk_once((double)x->entries[0].scale * (double)w->entries[w->count > 1 ? c : 0].scale /
                        (double)y->entries[0].scale,
                    wide);
  requant->fixed = f;
  requant->once = TRUE;
  requant->wide = wide;
}
