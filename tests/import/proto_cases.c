/* SPDX-License-Identifier: MIT */
/*
 * proto_cases.c - see proto_cases.h.
 */
#include "proto_cases.h"

#include "libqnnflow/backends/backend.h"
#include "libqnnflow/graph/numbers.h"
#include "libqnnflow/import/caffe/text.h"
#include "libqnnflow/import/import.h"
#include <qnnflow/session.h>

#include <math.h>
#include <string.h>

GBytes *proto_pack(const ProtobufCMessageDescriptor *type, const char *text)
{
  g_autoptr(GError) error = NULL;
  QfBudget budget;
  qf_budget_init(&budget, strlen(text), 64);
  ProtobufCMessage *m = qf_caffe_text_parse(type, text, strlen(text), "case", &budget, &error);
  g_assert_no_error(error);
  size_t size = protobuf_c_message_get_packed_size(m);
  uint8_t *data = g_malloc(size + 1);
  protobuf_c_message_pack(m, data);
  protobuf_c_message_free_unpacked(m, &budget.allocator);
  return g_bytes_new_take(data, size);
}

static void fill(const QfTensorDesc *desc, uint32_t k, void *data)
{
  int64_t count = qf_dims_count(desc->dims, desc->rank);
  for (int64_t i = 0; i < count; i++)
    qf_number_store(desc->dtype, data, i, ((double)((7 * i + 3 * k) % 11) - 5) / 2);
}

static void run(QfModel *model, const ProtoCase *c)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
  g_assert_no_error(error);
  for (uint32_t k = 0; k < qf_model_n_inputs(model); k++)
    fill(qf_model_input(model, k), k, qf_session_input_data(session, k));
  g_assert_true(qf_session_run(session, &error));
  const QfTensorDesc *out = qf_model_output(model, 0);
  g_autofree char *dims = qf_dims_to_string(out->dims, out->rank);
  g_assert_cmpstr(dims, ==, c->dims);
  QfTensor t = {.dtype = out->dtype};
  t.data = g_bytes_new_static(qf_session_output_data(session, 0), out->size_bytes);
  int64_t count = MIN(qf_dims_count(out->dims, out->rank), PROTO_MAX_OUT);
  for (int64_t i = 0; i < count; i++) {
    double got = qf_tensor_get_real(&t, i);
    if (!(fabs(got - c->out[i]) <= 2e-5 * MAX(1, fabs(c->out[i]))))
      g_error("%s: element %d is %.9g, not %.9g", c->name, (int)i, got, c->out[i]);
  }
  g_bytes_unref(t.data);
}

void proto_check(GBytes *bytes, const ProtoCase *c, const char *backend)
{
  g_autoptr(GError) error = NULL;
  QfModelOptions options = {.backend = backend};
  g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "case", &options, &error);
  if (c->dims) {
    g_assert_no_error(error);
    run(model, c);
    return;
  }
  g_assert_null(model);
  if (!g_error_matches(error, QF_ERROR, c->error) || !strstr(error->message, c->words))
    g_error("%s: code %d, \"%s\" does not say \"%s\"", c->name, error->code, error->message, c->words);
}

static void import_any(const uint8_t *data, gsize size)
{
  g_autoptr(GBytes) bytes =
      g_bytes_new(data, size); /* a block of its own, so that reading past it is found */
  g_autoptr(GError) error = NULL;
  g_autoptr(QfGraph) graph = qf_import(bytes, "damaged", NULL, NULL, qf_ref_evaluate, &error);
  g_assert_true((graph == NULL) == (error != NULL));
}

void proto_damage(GBytes *bytes)
{
  gsize size;
  const uint8_t *data = g_bytes_get_data(bytes, &size);
  g_autofree uint8_t *copy = g_memdup2(data, size);
  for (gsize n = 0; n < size; n++)
    import_any(data, n);
  for (gsize at = 0; at < size; at++) {
    for (int bit = 0; bit < 8; bit += 1 + (int)(at % 3)) {
      copy[at] ^= (uint8_t)(1 << bit);
      import_any(copy, size);
      copy[at] = data[at];
    }
  }
}
