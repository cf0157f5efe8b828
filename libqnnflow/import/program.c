/* SPDX-License-Identifier: MIT */
/*
 * program.c - making programs: bodies, which node reads a value last, attributes. Formats fill them in, runtime/program
 * runs them.
 */
#include "program.h"

#include <string.h>

const char *const qf_program_op_names[] = {
#define QF_PROGRAM_OP(name, function, least) #name,
#include "program_ops.inc"
#undef QF_PROGRAM_OP
    NULL,
};

gboolean qf_program_has_op(const char *op)
{
  return g_strv_contains(qf_program_op_names, op);
}

static void free_body(gpointer data)
{
  QfProgramBody *body = data;
  for (uint32_t i = 0; i < body->n_nodes; i++)
    g_free(body->nodes[i].attrs);
  g_free(body->nodes);
  g_free(body->inputs);
  g_free(body->outputs);
  g_hash_table_unref(body->constants);
  g_hash_table_unref(body->last_use);
  g_free(body);
}

QfProgram *qf_program_new(const char *name, const char *format)
{
  QfProgram *program = g_new0(QfProgram, 1);
  program->name = g_strdup(name);
  program->format = format;
  program->bodies = g_ptr_array_new_with_free_func(free_body);
  return program;
}

void qf_program_free(QfProgram *program)
{
  if (!program)
    return;
  g_ptr_array_unref(program->bodies);
  if (program->free_records)
    program->free_records(program->records);
  g_free(program->name);
  g_free(program);
}

QfProgramBody *qf_program_add_body(QfProgram *program)
{
  QfProgramBody *body = g_new0(QfProgramBody, 1);
  body->constants = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)qf_value_unref);
  body->last_use = g_hash_table_new(g_str_hash, g_str_equal);
  g_ptr_array_add(program->bodies, body);
  return body;
}

static void use(QfProgramBody *body, const char *name, uint32_t at)
{
  if (*name)
    g_hash_table_insert(body->last_use, (gpointer)name, GUINT_TO_POINTER(at));
}

/* A body inside reads what it has no value of its own for; its own names do no harm here. */
static void use_body(QfProgramBody *body, const QfProgramBody *inner, uint32_t at)
{
  GHashTableIter iter;
  gpointer name;
  g_hash_table_iter_init(&iter, inner->last_use);
  while (g_hash_table_iter_next(&iter, &name, NULL))
    use(body, name, at);
}

void qf_program_finish_body(QfProgramBody *body)
{
  for (uint32_t i = 0; i < body->n_nodes; i++) {
    const QfProgramNode *node = &body->nodes[i];
    for (uint32_t k = 0; k < node->n_inputs; k++)
      use(body, node->inputs[k], i + 1);
    for (uint32_t k = 0; k < node->n_attrs; k++)
      if (node->attrs[k].body)
        use_body(body, node->attrs[k].body, i + 1);
  }
  for (uint32_t i = 0; i < body->n_outputs; i++)
    use(body, body->outputs[i].name, body->n_nodes + 1);
}

const QfProgramAttr *qf_program_attr(const QfProgramNode *node, const char *name)
{
  for (uint32_t i = 0; i < node->n_attrs; i++)
    if (!strcmp(node->attrs[i].name, name))
      return &node->attrs[i];
  return NULL;
}

int64_t qf_program_int(const QfProgramNode *node, const char *name, int64_t def)
{
  const QfProgramAttr *a = qf_program_attr(node, name);
  return a ? a->i : def;
}

static void append_names(GString *s, const char *const *names, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    g_string_append_printf(s, "%s%s", i ? ", " : "", *names[i] ? names[i] : "-");
}

static void dump_body(GString *s, const QfProgramBody *body, int indent)
{
  for (uint32_t i = 0; i < body->n_nodes; i++) {
    const QfProgramNode *node = &body->nodes[i];
    g_string_append_printf(s, "%*s%4u %s '%s' (", indent, "", i, node->op, node->name);
    append_names(s, node->inputs, node->n_inputs);
    g_string_append(s, ") -> ");
    append_names(s, node->outputs, node->n_outputs);
    g_string_append(s, node->graph ? "\n" : "  on values\n");
    for (uint32_t k = 0; k < node->n_attrs; k++) {
      if (!node->attrs[k].body)
        continue;
      g_string_append_printf(s, "%*s%s\n", indent + 5, "", node->attrs[k].name);
      dump_body(s, node->attrs[k].body, indent + 7);
    }
  }
}

char *qf_program_dump(const QfProgram *program)
{
  GString *s = g_string_new(NULL);
  g_string_append_printf(
      s, "program %s (%s), %u nodes: shapes follow from values, so nodes become graphs when it runs\n",
      program->name, program->format, program->main->n_nodes);
  dump_body(s, program->main, 0);
  return g_string_free(s, FALSE);
}
