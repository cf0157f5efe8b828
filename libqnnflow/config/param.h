/* SPDX-License-Identifier: MIT */
/*
 * param.h - one parameter of a pipeline description: its types and the keys of [param.NAME].
 * Adding a type or a key is a row in param.c. Inside config/ only.
 */
#ifndef QF_CONFIG_PARAM_H
#define QF_CONFIG_PARAM_H

#include <qnnflow/pipeline.h>

typedef struct _QfParamType QfParamType;

typedef struct {
  QfPipelineParam public; /* texts are owned here */
  const QfParamType *type;
  int line;                                /* of [param.NAME] */
  char *minimum, *maximum, *default_value; /* as written; NULL: none */
} QfParam;

/* A type of parameter: @check makes @value its canonical text, or says what is wrong (both with g_free). */
struct _QfParamType {
  const char *name;
  gboolean (*check)(const QfParam *param, const char *value, char **canonical, char **wrong);
  gboolean quoted;  /* goes in as one quoted word */
  gboolean is_path; /* a relative default counts from the file's folder */
};

/* Sets @key from the text of the file. NULL when that went well, else what is wrong (free with g_free()). */
char *qf_param_set_key(QfParam *param, const char *key, const char *value);

/* Checks @value and stores its canonical text. NULL when that went well, else what is wrong (free with g_free()). */
char *qf_param_set_value(QfParam *param, const char *value);

void qf_param_init(QfParam *param, const char *name, int line);
void qf_param_clear(QfParam *param);

/* Appends the value as the launch string wants it. */
void qf_param_append(const QfParam *param, GString *out);

#endif
