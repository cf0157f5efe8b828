/* SPDX-License-Identifier: MIT */
/*
 * packed.c - for whom constants are packed: see qf_lower_packed(). The version is a digest of the sources that pack and that read
 * what is packed (packversion.py), so a change of either makes older files be packed anew.
 */
#include "cpu.h"
#include "packversion.h"

const char *qf_cpu_packed_unit(void)
{
  static char *unit;
  if (g_once_init_enter(&unit)) {
    char features[64];
    qfk_cpu_features_string(qfk_cpu_features(), features, sizeof(features));
    g_once_init_leave(&unit, g_strdup_printf("cpu " QF_PACK_VERSION " %s", features[0] ? features : "plain"));
  }
  return unit;
}
