/* SPDX-License-Identifier: MIT */
/*
 * sensitivity.c - seeded disturbances of one step at a tenth of the input's elements. See README.md for why a tenth.
 */
#include "sensitivity.h"
#include "tolerance.h"

#include <math.h>
#include <string.h>

#define RUNS 6
#define SHARE 0.1
#define SEED 1

static gboolean is_encoded(QfDType dtype)
{
  return dtype == QF_DTYPE_INT8 || dtype == QF_DTYPE_UINT8 || dtype == QF_DTYPE_INT16 ||
         dtype == QF_DTYPE_UINT16;
}

/* One step up or down, or the other way at the end of the type's range. */
static void disturb(const QfNpy *in, void *data, GRand *rand)
{
  int64_t count = qf_dims_count(in->dims, in->rank), min, max;
  qf_dtype_range(in->dtype, &min, &max);
  memcpy(data, in->data, in->size_bytes);
  for (int64_t i = 0; i < count; i++) {
    if (g_rand_double(rand) >= SHARE)
      continue;
    int64_t value = (int64_t)qf_number(data, i, in->dtype), step = g_rand_boolean(rand) ? 1 : -1;
    value += value + step < min || value + step > max ? -step : step;
    if (qf_dtype_size(in->dtype) == 1)
      ((uint8_t *)data)[i] = (uint8_t)value;
    else
      ((uint16_t *)data)[i] = (uint16_t)value;
  }
}

static void widen(QfSpread *spread, const void *moved, const QfNpy *out)
{
  int64_t count = qf_dims_count(out->dims, out->rank), differ = 0;
  for (int64_t i = 0; i < count; i++) {
    double d = fabs(qf_number(moved, i, out->dtype) - qf_number(out->data, i, out->dtype));
    spread->max = fmax(spread->max, d);
    differ += d != 0;
  }
  spread->share = fmax(spread->share, count ? (double)differ / (double)count : 0);
}

gboolean qf_sensitivity_measure(QfSession *session, const QfNpy *in, const QfNpy *out, QfSpread *spreads)
{
  QfModel *model = qf_session_model(session);
  uint32_t n_in = qf_model_n_inputs(model), n_out = qf_model_n_outputs(model);
  gboolean any = FALSE, ok = TRUE;
  GRand *rand = g_rand_new_with_seed(SEED);
  memset(spreads, 0, n_out * sizeof *spreads);
  for (uint32_t i = 0; i < n_in; i++)
    any |= is_encoded(in[i].dtype);
  for (int run = 0; run < RUNS && ok && any; run++) {
    for (uint32_t i = 0; i < n_in; i++)
      if (is_encoded(in[i].dtype))
        disturb(&in[i], qf_session_input_data(session, i), rand);
    qf_session_reset(session); /* each run is the first one */
    ok = qf_session_run(session, NULL);
    for (uint32_t i = 0; ok && i < n_out; i++)
      widen(&spreads[i], qf_session_output_data(session, i), &out[i]);
  }
  g_rand_free(rand);
  return ok && any;
}
