/* SPDX-License-Identifier: MIT */
/*
 * sensitivity.h - how far a quantized model's outputs move when some of its integer inputs move by one step. Implementations
 * that round differently inside disturb every layer at least as much, so they cannot be held closer together.
 */
#ifndef QF_TESTS_MODELS_SENSITIVITY_H
#define QF_TESTS_MODELS_SENSITIVITY_H

#include "npy.h"

#include <qnnflow/session.h>

/* The largest over all disturbed runs, of one output. */
typedef struct {
  double max;   /* absolute difference from the undisturbed output */
  double share; /* of the elements that differ, 0..1 */
} QfSpread;

/*
 * Runs @session with disturbed copies of @in (one array an input) and compares with @out (one an output). @spreads gets one
 * entry an output. Inputs that are not 8 or 16-bit integers stay as they are. FALSE when a run fails, or there is nothing to disturb.
 */
gboolean qf_sensitivity_measure(QfSession *session, const QfNpy *in, const QfNpy *out, QfSpread *spreads);

#endif
