/* SPDX-License-Identifier: MIT */
/*
 * net.c - see net.h.
 */
#include "net.h"

#include <string.h>

static void op_free(gpointer data)
{
  QfQnnNetOp *op = data;
  g_array_unref(op->params);
  g_ptr_array_unref(op->param_tensors);
  g_ptr_array_unref(op->inputs);
  g_ptr_array_unref(op->outputs);
  g_free(op);
}

QfQnnNet *qf_qnn_net_new(void)
{
  QfQnnNet *net = g_new0(QfQnnNet, 1);
  net->tensors = g_ptr_array_new();
  net->ops = g_ptr_array_new_with_free_func(op_free);
  net->by_tensor = g_hash_table_new(NULL, NULL);
  net->blocks = g_ptr_array_new_with_free_func(g_free);
  return net;
}

void qf_qnn_net_free(QfQnnNet *net)
{
  if (!net)
    return;
  g_ptr_array_unref(net->tensors);
  g_ptr_array_unref(net->ops);
  g_hash_table_unref(net->by_tensor);
  g_ptr_array_unref(net->blocks);
  g_free(net);
}

void *qf_qnn_net_alloc(QfQnnNet *net, size_t bytes)
{
  void *p = g_malloc0(MAX(bytes, 1));
  g_ptr_array_add(net->blocks, p);
  return p;
}

/* Plain numbers, and integers that stand for real ones; 0: there is none. */
static const struct {
  QfDType dtype;
  uint32_t plain, encoded;
} types[] = {
    {QF_DTYPE_FLOAT32, QF_QNN_FLOAT32, 0},
    {QF_DTYPE_UINT8, QF_QNN_UINT8, QF_QNN_UFIXED8},
    {QF_DTYPE_INT8, QF_QNN_INT8, QF_QNN_SFIXED8},
    {QF_DTYPE_UINT16, QF_QNN_UINT16, QF_QNN_UFIXED16},
    {QF_DTYPE_INT16, QF_QNN_INT16, QF_QNN_SFIXED16},
    {QF_DTYPE_INT32, QF_QNN_INT32, QF_QNN_SFIXED32},
    {QF_DTYPE_UINT32, QF_QNN_UINT32, 0},
    {QF_DTYPE_INT64, QF_QNN_INT64, 0},
    {QF_DTYPE_BOOL, QF_QNN_BOOL8, 0},
};

static uint32_t type_of(const QfTensor *t, GString *why)
{
  for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
    const uint32_t type = t->enc.count ? types[i].encoded : types[i].plain;
    if (types[i].dtype == t->dtype && type)
      return type;
  }
  g_string_append_printf(why, "tensor '%s' is %s, which QNN does not have", t->name, qf_dtype_name(t->dtype));
  return 0;
}

static void set_encoding(QfQnnNet *net, QfQnnQuantize *q, const QfEncoding *enc)
{
  *q = (QfQnnQuantize){QF_QNN_UNDEFINED, QF_QNN_UNDEFINED, {.space = {0}}};
  if (!enc->count)
    return;
  q->defined = 1;
  q->kind = enc->count == 1 ? QF_QNN_SCALE_OFFSET : QF_QNN_AXIS_SCALE_OFFSET;
  if (enc->count == 1) {
    q->u.one = (QfQnnScaleOffset){enc->entries[0].scale, enc->entries[0].offset};
    return;
  }
  q->u.axis.axis = enc->axis;
  q->u.axis.count = enc->count;
  q->u.axis.entries = qf_qnn_net_alloc(net, enc->count * sizeof(*q->u.axis.entries));
  for (uint32_t i = 0; i < enc->count; i++)
    q->u.axis.entries[i] = (QfQnnScaleOffset){enc->entries[i].scale, enc->entries[i].offset};
}

static QfQnnTensor *add_tensor(QfQnnNet *net, const char *name, uint32_t type, uint32_t dtype, uint32_t rank)
{
  QfQnnTensor *t = qf_qnn_net_alloc(net, sizeof(*t));
  char *own = g_strdup_printf("%.200s_%u", name, net->tensors->len); /* names must differ */
  g_ptr_array_add(net->blocks, own);
  t->version = 1;
  t->name = own;
  t->type = type;
  t->dtype = dtype;
  t->rank = MAX(rank, 1); /* there are no scalars */
  t->dims = qf_qnn_net_alloc(net, t->rank * sizeof(*t->dims));
  t->dims[0] = 1;
  t->quantize = (QfQnnQuantize){QF_QNN_UNDEFINED, QF_QNN_UNDEFINED, {.space = {0}}};
  g_ptr_array_add(net->tensors, t);
  return t;
}

QfQnnTensor *qf_qnn_net_tensor(QfQnnNet *net, const QfTensor *t, GString *why)
{
  QfQnnTensor *made = g_hash_table_lookup(net->by_tensor, t);
  const uint32_t type = made ? 0 : type_of(t, why);
  if (made || !type)
    return made;
  for (int32_t i = 0; i < t->rank; i++)
    if (t->dims[i] < 1 || t->dims[i] > INT32_MAX) {
      g_string_append_printf(why, "tensor '%s' is empty", t->name);
      return NULL;
    }
  if (qf_tensor_size_bytes(t) > UINT32_MAX) {
    g_string_append_printf(why, "tensor '%s' has more than 4 GB", t->name);
    return NULL;
  }
  made = add_tensor(net, t->name, t->data ? QF_QNN_STATIC : QF_QNN_NATIVE, type, (uint32_t)t->rank);
  for (int32_t i = 0; i < t->rank; i++)
    made->dims[i] = (uint32_t)t->dims[i];
  set_encoding(net, &made->quantize, &t->enc);
  if (t->data) {
    made->u.client.data = (void *)qf_tensor_data(t); /* it is only read */
    made->u.client.size = (uint32_t)qf_tensor_size_bytes(t);
  }
  g_hash_table_insert(net->by_tensor, (gpointer)t, made);
  return made;
}

QfQnnTensor *qf_qnn_net_temp(QfQnnNet *net, const QfQnnTensor *like)
{
  QfQnnTensor *t = add_tensor(net, net->node, QF_QNN_NATIVE, like->dtype, like->rank);
  memcpy(t->dims, like->dims, like->rank * sizeof(*t->dims));
  t->quantize = like->quantize;
  return t;
}

QfQnnTensor *qf_qnn_net_numbers(QfQnnNet *net, uint32_t dtype, const void *values, uint32_t rank,
                                const uint32_t *dims)
{
  QfQnnTensor *t = add_tensor(net, net->node, QF_QNN_STATIC, dtype, rank);
  uint32_t n = 1;
  for (uint32_t i = 0; i < rank; i++)
    n *= t->dims[i] = dims[i];
  t->u.client.size = n * 4;
  t->u.client.data = qf_qnn_net_alloc(net, t->u.client.size);
  memcpy(t->u.client.data, values, t->u.client.size);
  return t;
}

QfQnnNetOp *qf_qnn_net_op(QfQnnNet *net, const char *type)
{
  QfQnnNetOp *op = g_new0(QfQnnNetOp, 1);
  char *name = g_strdup_printf("%.200s_%u", net->node, net->ops->len);
  g_ptr_array_add(net->blocks, name);
  op->type = type;
  op->name = name;
  op->source = net->source;
  op->params = g_array_new(FALSE, TRUE, sizeof(QfQnnParam));
  op->param_tensors = g_ptr_array_new();
  op->inputs = g_ptr_array_new();
  op->outputs = g_ptr_array_new();
  g_ptr_array_add(net->ops, op);
  return op;
}

void qf_qnn_op_input(QfQnnNetOp *op, QfQnnTensor *t)
{
  g_ptr_array_add(op->inputs, t);
}

void qf_qnn_op_output(QfQnnNetOp *op, QfQnnTensor *t)
{
  g_ptr_array_add(op->outputs, t);
}

static void add_param(QfQnnNetOp *op, const QfQnnParam *param, QfQnnTensor *t)
{
  g_array_append_val(op->params, *param);
  g_ptr_array_add(op->param_tensors, t);
}

void qf_qnn_op_scalar(QfQnnNetOp *op, const char *name, uint32_t dtype, uint32_t bits)
{
  QfQnnParam p = {.kind = 0, .name = name};
  p.u.scalar.type = dtype;
  p.u.scalar.u.space = bits; /* little-endian: the low bytes are the value, whatever its width */
  add_param(op, &p, NULL);
}

void qf_qnn_op_float(QfQnnNetOp *op, const char *name, float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  qf_qnn_op_scalar(op, name, QF_QNN_FLOAT32, bits);
}

void qf_qnn_op_tensor(QfQnnNetOp *op, const char *name, QfQnnTensor *t)
{
  add_param(op, &(QfQnnParam){.kind = 1, .name = name}, t);
}

static QfQnnTensor *copies(QfQnnNet *net, const GPtrArray *tensors)
{
  QfQnnTensor *list = qf_qnn_net_alloc(net, tensors->len * sizeof(*list));
  for (guint i = 0; i < tensors->len; i++)
    list[i] = *(const QfQnnTensor *)tensors->pdata[i];
  return list;
}

QfQnnOp qf_qnn_op_view(QfQnnNet *net, QfQnnNetOp *op)
{
  for (guint i = 0; i < op->params->len; i++)
    if (op->param_tensors->pdata[i])
      g_array_index(op->params, QfQnnParam, i).u.tensor = *(const QfQnnTensor *)op->param_tensors->pdata[i];
  return (QfQnnOp){.version = 1,
                   .name = op->name,
                   .package = "qti.aisw",
                   .type = op->type,
                   .n_params = op->params->len,
                   .params = (QfQnnParam *)(void *)op->params->data,
                   .n_inputs = op->inputs->len,
                   .inputs = copies(net, op->inputs),
                   .n_outputs = op->outputs->len,
                   .outputs = copies(net, op->outputs)};
}
