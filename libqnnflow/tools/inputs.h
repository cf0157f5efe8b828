/* SPDX-License-Identifier: MIT */
/*
 * inputs.h - files to input tensors: .npy arrays, pictures, raw bytes.
 */
#ifndef QF_TOOLS_INPUTS_H
#define QF_TOOLS_INPUTS_H

#include <qnnflow/image.h>
#include <qnnflow/session.h>

G_BEGIN_DECLS

/* How a picture becomes a tensor. Zero-initialise. */
typedef struct {
  QfFit fit;
  QfChannelOrder channels;
  gboolean has_mean, has_std;
  float mean[3], std[3];
} QfPictureOptions;

/*
 * Reads @path into @data, a buffer of @desc's size. An array must have the input's dimensions (ones aside) and its type,
 * or be float32 for a quantized input. A picture needs a 4-D input of 1 or 3 channels; without mean and std a quantized
 * input takes the pixels as they are. Anything else is raw bytes and must have the input's size.
 */
gboolean qf_input_read(const char *path, const QfTensorDesc *desc, const QfPictureOptions *options,
                       void *data, GError **error);

/* The same as a value, for an input whose dimensions may be open: those are the array's then. */
QfValue *qf_input_read_value(const char *path, const QfTensorDesc *desc, const QfPictureOptions *options,
                             GError **error);

/* What a command is told about the inputs of a run. Zero-initialise; QF_INPUT_ENTRIES() fills it in. */
typedef struct {
  char **files; /* "[NAME=]FILE" */
  char *fit, *mean, *std;
  gboolean random, bgr;
} QfInputOptions;

/* Entries for a GOptionEntry table; @in is a QfInputOptions. */
#define QF_INPUT_ENTRIES(in)                                                                                 \
  {"input",                                                                                                  \
   'i',                                                                                                      \
   0,                                                                                                        \
   G_OPTION_ARG_FILENAME_ARRAY,                                                                              \
   &(in).files,                                                                                              \
   "An input: .npy, picture or raw; may be repeated",                                                        \
   "[NAME=]FILE"},                                                                                           \
      {"random",                                                                                             \
       0,                                                                                                    \
       0,                                                                                                    \
       G_OPTION_ARG_NONE,                                                                                    \
       &(in).random,                                                                                         \
       "Inputs that are not given get random numbers (fixed seed)",                                          \
       NULL},                                                                                                \
      {"fit",     0,                                                                                         \
       0,         G_OPTION_ARG_STRING,                                                                       \
       &(in).fit, "Pictures: stretch (default), letterbox, letterbox-top, crop",                             \
       "FIT"},                                                                                               \
      {"mean", 0, 0, G_OPTION_ARG_STRING, &(in).mean, "Pictures: subtracted, in 0..255", "M[,M,M]"},         \
      {"std", 0, 0, G_OPTION_ARG_STRING, &(in).std, "Pictures: divided by, in 0..255", "S[,S,S]"},           \
  {                                                                                                          \
    "bgr", 0, 0, G_OPTION_ARG_NONE, &(in).bgr, "Pictures: blue first", NULL                                  \
  }

void qf_input_options_clear(QfInputOptions *o);

/* How pictures are to be read. */
gboolean qf_input_picture(const QfInputOptions *o, QfPictureOptions *p, GError **error);
/* The input that "NAME=FILE" or "FILE" speaks of, a bare one being number @next; @file is set to the path. -1 with an error. */
int qf_input_index(const QfModel *model, const char *text, int next, const char **file, GError **error);
/* What an input holds that was given no file: random numbers, or an error. @data may be NULL: an error. */
gboolean qf_input_fill_rest(const QfTensorDesc *desc, const QfInputOptions *o, void *data, GError **error);
/* All inputs of the session's model. */
gboolean qf_input_fill(QfSession *session, const QfInputOptions *o, GError **error);

G_END_DECLS

#endif
