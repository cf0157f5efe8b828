/* SPDX-License-Identifier: MIT */
/*
 * dump-ops.h - `qnnflow dump --ops` and `--nodes`: what a model consists of and what runs it, as tables or JSON.
 */
#ifndef QF_TOOLS_DUMP_OPS_H
#define QF_TOOLS_DUMP_OPS_H

#include <qnnflow/qnnflow.h>

/* The tables wanted; both in one object with @json. */
typedef struct {
  gboolean ops, nodes, json;
} QfDumpTables;

void qf_tool_dump_tables(const QfModel *model, const QfDumpTables *wanted);

#endif
