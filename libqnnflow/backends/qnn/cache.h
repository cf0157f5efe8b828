/* SPDX-License-Identifier: MIT */
/*
 * cache.h - finalized graphs on disk: the library's context binary behind a head of ours.
 *
 * The key is a hash of everything that the binary follows from: the library's build, settings, and the net with its constants.
 * The library checks nothing, so the head has a checksum; whatever does not fit is built anew and replaced.
 */
#ifndef QF_BACKENDS_QNN_CACHE_H
#define QF_BACKENDS_QNN_CACHE_H

#include "net.h"
#include "unit.h"

/* Free with g_free(). */
char *qf_qnn_cache_key(const QfQnnUnit *unit, const QfQnnNet *net);
/* FALSE: there is none that fits. TRUE: the context and the graph called @name in it; the tensors of @net have their ids. */
gboolean qf_qnn_cache_load(const QfQnnUnit *unit, const char *key, const char *name, QfQnnNet *net,
                           QfQnnHandle *context, QfQnnHandle *graph);
/* A failure is logged and has no other consequence. */
void qf_qnn_cache_store(const QfQnnUnit *unit, const char *key, QfQnnHandle context, const QfQnnNet *net);

#endif
