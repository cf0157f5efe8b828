/* SPDX-License-Identifier: MIT */
/*
 * layers.h - the rows of a session's profile: one for each step, and where a unit measures inside its steps, one for each of their nodes.
 */
#ifndef QF_RUNTIME_LAYERS_H
#define QF_RUNTIME_LAYERS_H

#include "model.h"

#include <qnnflow/profile.h>

/* A row for each step, all zero yet. Free with g_free(). */
QfLayerProfile *qf_layers_new(const QfModel *model);

/* @layers with the rows of steps replaced by what their units measured inside; NULL when none did. Free with g_array_unref(). */
GArray *qf_layers_inside(const QfModel *model, const QfLayerProfile *layers);

#endif
