/* SPDX-License-Identifier: MIT */
/*
 * ops.h - the functions of import/program_ops.inc. Each sets every output, or an error.
 */
#ifndef QF_RUNTIME_PROGRAM_OPS_H
#define QF_RUNTIME_PROGRAM_OPS_H

#include "program.h"
#include "../../graph/numbers.h"

#define QF_PROGRAM_OP(name, function, least) gboolean qf_program_op_##function(QfCall *call, GError **error);
#include "../../import/program_ops.inc"
#undef QF_PROGRAM_OP

#endif
