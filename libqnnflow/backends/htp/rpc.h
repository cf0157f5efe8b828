/* SPDX-License-Identifier: MIT */
/*
 * rpc.h - libcdsprpc.so, or what stands in for it, loaded at run time: its functions by name, and its errors in words.
 *
 * A library stays loaded once it is: it has threads of its own.
 */
#ifndef QF_HTP_RPC_H
#define QF_HTP_RPC_H

#include "abi.h"
#include <qnnflow/error.h>

typedef struct {
#define QF_RPC_POINTER(needed, result, name, parameters) result(*name) parameters;
  QF_RPC_FUNCTIONS(QF_RPC_POINTER)
#undef QF_RPC_POINTER
  char *path;         /* where it was found */
  gboolean simulated; /* it is ours */
} QfRpc;

/* @library: a path; NULL: $QNNFLOW_CDSPRPC, else libcdsprpc.so as the dynamic linker finds it. NULL with QF_ERROR_DEVICE that says what
 * is missing and what to do. Thread-safe. */
const QfRpc *qf_rpc_open(const char *library, GError **error);
/* What a function's result means. Free with g_free(). */
char *qf_rpc_describe(const QfRpc *rpc, int code);
/* The simulator of this build or installation; its own path need not exist. Free with g_free(). */
char *qf_rpc_simulator(void);

#endif
