/* SPDX-License-Identifier: MIT */
/*
 * registry.c - the table of all operators, made from ops.inc, and lookup by name.
 */
#include "list.h"

#include <string.h>

static const QfOpDef *const ops[] = {
#define QF_OP(Name) &qf_op_##Name,
#include "ops.inc"
#undef QF_OP
};

const char *const qf_activation_names[] = {
    "none", "clamp", "hard_swish", "sigmoid", "silu", "tanh", "prelu", "leaky", "gelu", NULL,
};
G_STATIC_ASSERT(G_N_ELEMENTS(qf_activation_names) == QF_N_ACTS + 1);

const QfOpDef *qf_op_find(const char *name)
{
  for (size_t i = 0; name && i < G_N_ELEMENTS(ops); i++)
    if (!strcmp(name, ops[i]->name))
      return ops[i];
  return NULL;
}

const QfOpDef *const *qf_op_list(uint32_t *count)
{
  *count = G_N_ELEMENTS(ops);
  return ops;
}
