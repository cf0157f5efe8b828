/* SPDX-License-Identifier: MIT */
#include "archive.h"
gboolean qf_pt2_read_pickled(GBytes *file, const char *name, GHashTable *tensors, GError **error)
{
  return TRUE;
}
