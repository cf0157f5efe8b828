/* SPDX-License-Identifier: MIT */
/*
 * list.h - declares the definition of every operator, so that tables of other layers can refer to them by address.
 */
#ifndef QF_OPS_LIST_H
#define QF_OPS_LIST_H

#include "op.h"

#define QF_OP(Name) extern const QfOpDef qf_op_##Name;
#include "ops.inc"
#undef QF_OP

#endif
