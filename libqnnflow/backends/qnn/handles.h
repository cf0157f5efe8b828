/* SPDX-License-Identifier: MIT */
/*
 * handles.h - the caller's shared memory, made known to the library once and then named by handle: it is not copied for a run.
 *
 * Only where the library says that it takes such memory; anything else goes to it by address. Not thread-safe: the part's lock guards it.
 */
#ifndef QF_BACKENDS_QNN_HANDLES_H
#define QF_BACKENDS_QNN_HANDLES_H

#include "unit.h"

typedef struct QfQnnHandles QfQnnHandles;

/* For tensors of @context, which must outlive it. NULL: the library takes no handles. */
QfQnnHandles *qf_qnn_handles_new(const QfQnnUnit *unit, QfQnnHandle context);
void qf_qnn_handles_free(QfQnnHandles *handles);

/* Binds @t, whose client size is @size_bytes, to @data: by handle where that can be, else by address. @handles may be NULL. */
void qf_qnn_handles_bind(QfQnnHandles *handles, QfQnnTensor *t, void *data, uint32_t size_bytes);

#endif
