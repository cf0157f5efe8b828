/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - see foreign.h. Files are told by a magic number and, where many share one, by a text near either end (a zip archive lists
 * its files at the end).
 */
#include "foreign.h"

#include <string.h>

#define NEAR 65536 /* bytes at either end that are searched */

typedef struct {
  const char *magic; /* [size] at offset; the first one that fits counts */
  uint8_t size, offset;
  const char *text; /* must stand near either end; NULL: any */
  const char *advice;
} Foreign;

#define MAGIC(bytes) bytes, sizeof(bytes) - 1, 0

static const Foreign files[] = {
    {MAGIC("\x89HDF\r\n\x1a\n"), NULL,
     "it is HDF5, of Keras (.h5): convert it to TFLite (tf.lite.TFLiteConverter.from_keras_model) or ONNX "
     "(tf2onnx)"},
    {MAGIC("PK\x03\x04"), "model.weights.h5",
     "it is a model of Keras (.keras): convert it to TFLite (tf.lite.TFLiteConverter.from_keras_model) or "
     "ONNX "
     "(tf2onnx)"},
    {MAGIC("PK\x03\x04"), "constants.pkl",
     "it is TorchScript: export the module in Python, to .pt2 (torch.export.save(torch.export.export(module, "
     "inputs), file)) or "
     "ONNX (torch.onnx.export)"},
    {MAGIC("PK\x03\x04"), "data.pkl",
     "it is a pickle of PyTorch (.pt, .pth), which only Python can read: load it there and export the "
     "module, "
     "to .pt2 (torch.export.save(torch.export.export(module, inputs), file)) or ONNX (torch.onnx.export)"},
    {MAGIC("PK\x03\x04"), NULL,
     "it is a zip archive of no kind that is known here: unpack it, or export the model to ONNX or TFLite"},
    {MAGIC("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9"), NULL,
     "it is an old pickle of PyTorch (.pth), which only Python can read: load it there and export the "
     "module, "
     "to .pt2 (torch.export.save(torch.export.export(module, inputs), file)) or ONNX (torch.onnx.export)"},
    {MAGIC("\x80\x02"), NULL, "it is a pickle of Python: load it there and export the model to ONNX"},
    {MAGIC("\x80\x03"), NULL, "it is a pickle of Python: load it there and export the model to ONNX"},
    {MAGIC("\x80\x04"), NULL, "it is a pickle of Python: load it there and export the model to ONNX"},
    {MAGIC("\x08\x01\x12"), "saved_model",
     "it is a SavedModel of TensorFlow: freeze it (convert_variables_to_constants_v2 on its signature), or "
     "convert it "
     "to TFLite (tf.lite.TFLiteConverter.from_saved_model) or ONNX (tf2onnx)"},
    {MAGIC("\x08\x01\x12"), "serve",
     "it is a SavedModel of TensorFlow: freeze it (convert_variables_to_constants_v2 on its signature), or "
     "convert it "
     "to TFLite (tf.lite.TFLiteConverter.from_saved_model) or ONNX (tf2onnx)"},
    {MAGIC("\x08"), "neuralNetwork", "it is Core ML: export the original model to ONNX"},
    {MAGIC("\x08"), "MLModel", "it is Core ML: export the original model to ONNX"},
    {MAGIC("\x08"), "com.github.apple.coremltools", "it is Core ML: export the original model to ONNX"},
    {MAGIC("node {"), NULL,
     "it is a GraphDef of TensorFlow as text (.pbtxt): write it in binary (tf.io.write_graph with "
     "as_text=False), frozen"},
    {MAGIC("net: "), NULL, "it is a solver of Caffe, for training: load the deploy.prototxt of the net"},
    {MAGIC("<?xml"), "<net ", "it is OpenVINO's IR: export the original model to ONNX"},
    {MAGIC("7767517"), NULL, "it is of ncnn: export the original model to ONNX"},
    {MAGIC("[net]"), NULL, "it is of Darknet: convert it to ONNX, or to Caffe (darknet2caffe)"},
    {"MNN", 3, 4, NULL, "it is of MNN: export the original model to ONNX"},
    {MAGIC("ptrt"), NULL,
     "it is an engine of TensorRT, for one kind of GPU only: load the ONNX file that it was made of"},
    {MAGIC("ftrt"), NULL,
     "it is an engine of TensorRT, for one kind of GPU only: load the ONNX file that it was made of"},
    {MAGIC("version https://git-lfs"), NULL,
     "it is a pointer of Git LFS, not the model: fetch it (git lfs pull)"},
    {MAGIC("<!DOCTYPE"), NULL, "it is a web page, not the model: download the file itself"},
    {MAGIC("<html"), NULL, "it is a web page, not the model: download the file itself"},
};

static gboolean has_text(const uint8_t *data, size_t size, const char *text)
{
  size_t near = MIN(size, NEAR), length = strlen(text);
  return memmem(data, near, text, length) || memmem(data + (size - near), near, text, length);
}

const char *qf_foreign_file(const uint8_t *data, size_t size)
{
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    const Foreign *f = &files[i];
    if (size >= (size_t)f->offset + f->size && !memcmp(data + f->offset, f->magic, f->size) &&
        (!f->text || has_text(data, size, f->text)))
      return f->advice;
  }
  return NULL;
}

static const struct {
  const char *entry, *advice;
} folders[] = {
    {"saved_model.pb", "it is a SavedModel of TensorFlow: freeze it (convert_variables_to_constants_v2 on "
                       "its signature), or convert it "
                       "to TFLite (tf.lite.TFLiteConverter.from_saved_model) or ONNX (tf2onnx)"},
    {"saved_model.pbtxt", "it is a SavedModel of TensorFlow: convert it to TFLite or ONNX (tf2onnx)"},
    {"Manifest.json", "it is a package of Core ML: export the original model to ONNX"},
};

const char *qf_foreign_folder(const char *path)
{
  for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
    g_autofree char *entry = g_build_filename(path, folders[i].entry, NULL);
    if (g_file_test(entry, G_FILE_TEST_EXISTS))
      return folders[i].advice;
  }
  return "it is a folder: name the model file in it";
}
